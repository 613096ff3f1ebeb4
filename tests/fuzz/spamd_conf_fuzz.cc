// spamd.conf: any bytes end in lists or errors; a list has a name, a source and, when its message is told, no more than it holds.
#include <cstdint>
#include <string>

#include "deferd/list_message.h"
#include "require.h"
#include "spamd_conf.h"

using namespace deferd;
using namespace deferd::blacklist;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> errors;
  const auto lists = read_spamd_conf(
      text, [](const std::string& path) -> Result<std::string> { return path + "\n\"%A\"\n"; }, errors);
  for (const auto& list : lists) {
    REQUIRE(!list.name.empty());
    REQUIRE(!list.source.place.empty() || !list.source.words.empty());
    REQUIRE(list.message.find('\n') == list.message.npos);
    list_message(list.message, Address());
    for (const auto& white : list.excepted) REQUIRE(white.excepted.empty());
  }
  return 0;
}
