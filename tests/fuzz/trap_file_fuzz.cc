// Addresses of trap files and of recipients: bounded, and found again once they were added.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "address_file.h"
#include "address_set.h"
#include "require.h"
#include "trap_addresses.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace deferd::traplist;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto folded = fold(text);
  REQUIRE(folded.size() <= kAddressMax);
  REQUIRE(local_part(folded).size() + domain_of(folded).size() <= folded.size());
  wrong_address(text);
  AddressSet set;
  set.add(folded);
  set.seal();
  REQUIRE(holds(set, folded));
  REQUIRE(set.size() == 1);
  return 0;
}
