// Lines of spamd's configuration port: what was understood, written in today's form, is understood as the same.
#include <cstdint>
#include <string>

#include "config_line.h"
#include "require.h"

using namespace deferd;
using namespace deferd::blacklist;

namespace {

std::string group(const PrefixSet& set, bool v4) {
  std::string addresses;
  std::size_t count = 0;
  for (const auto& prefix : set) {
    if (prefix.address().is_v4() != v4) continue;
    ++count;
    addresses += ";" + prefix.address().to_string() + "/" + std::to_string(prefix.length());
  }
  return count == 0 ? "" : std::string(v4 ? ";inet;" : ";inet6;") + std::to_string(count) + addresses;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto line = parse_config_line({reinterpret_cast<const char*>(data), size});
  if (!line) return 0;
  REQUIRE(!line->tag.empty() && line->set.empty() == (line->entries == 0));
  if (line->set.empty()) return 0;
  for (const auto& prefix : line->set)
    if (prefix.length() == 0) return 0;  // two halves of everything became one, which no line may say
  const auto again =
      parse_config_line(line->tag + ";\"" + line->message + "\"" + group(line->set, true) + group(line->set, false));
  REQUIRE(again && again->tag == line->tag && again->message == line->message && again->set == line->set);
  return 0;
}
