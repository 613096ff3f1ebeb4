// What is accepted as an address or prefix prints to a text that means the same, and that the system's own parser takes.
#include <arpa/inet.h>

#include <algorithm>

#include "deferd/address.h"
#include "require.h"

using namespace deferd;

namespace {

void check(const Address& address) {
  const std::string text = address.to_string();
  const auto again = Address::parse(text);
  REQUIRE(again && *again == address);
  REQUIRE(again->to_string() == text);

  std::uint8_t bytes[16];
  REQUIRE(inet_pton(address.is_v4() ? AF_INET : AF_INET6, text.c_str(), bytes) == 1);
  REQUIRE(std::equal(address.bytes().begin(), address.bytes().end(), bytes));
  REQUIRE(Prefix(address).contains(address));
}

void check(const Prefix& prefix) {
  const auto again = Prefix::parse(prefix.to_string());
  REQUIRE(again && *again == prefix);
  REQUIRE(prefix.contains(prefix.address()) && prefix.contains(prefix));
  check(prefix.address());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto address = Address::parse(text)) check(*address);
  if (const auto prefix = Prefix::parse(text)) check(*prefix);
  if (size == 16) {  // the bytes themselves, for every shape that printing has
    std::array<std::uint8_t, 16> bytes;
    std::copy_n(data, 16, bytes.begin());
    check(Address::v6(bytes));
  }
  return 0;
}
