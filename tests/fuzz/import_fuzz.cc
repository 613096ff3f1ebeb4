// Files that are imported: the first byte chooses the format. What is read can be printed as spamdb does, and that reads the
// same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ctl/entry.h"
#include "require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace deferd::ctl;
  if (size == 0) return 0;
  constexpr Format kFormats[] = {Format::spamdb, Format::list, Format::postgrey, Format::milter_greylist};
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto take = [](const Entry& entry) {
    const auto line = spamdb_line(entry);
    REQUIRE(line.find('\n') == line.npos);
    // A `|` of a stranger can move a field's end, but never a number.
    const auto again = read_spamdb_line(line);
    if (!again) return;
    REQUIRE(spamdb_line(*again) == line);
    REQUIRE(again->kind == entry.kind && again->key.size() == entry.key.size());
    REQUIRE(again->expires == entry.expires || entry.kind == Entry::Kind::trap);
  };
  for (const auto& damage : read_entries(kFormats[data[0] % 4], text, 1'767'225'600, 86'400, take))
    REQUIRE(damage.line > 0 && !damage.what.empty());
  return 0;
}
