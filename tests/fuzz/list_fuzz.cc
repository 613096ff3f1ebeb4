// Block lists: any bytes, packed or not, cut wherever. What is read does not depend on the cuts, and an address that a list holds
// is found on a line of it.
#include <cstdint>
#include <string>

#include "list_reader.h"
#include "require.h"
#include "unpack.h"

using namespace deferd;
using namespace deferd::blacklist;

namespace {

constexpr std::uint64_t kMost = 1 << 20;

Result<Content> read(std::string_view text, std::size_t piece, Format format) {
  ListReader reader(format, 1000);
  auto done = unpack(text, kMost, [&](std::string_view bytes) -> Result<void> {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size())))
      if (auto fed = reader.feed(bytes.substr(0, piece)); !fed) return fed;
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  return reader.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const Format format = data[0] % 2 == 0 ? Format::plain : Format::postgrey;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = read(text, 1 << 20, format);
  const auto cut = read(text, 1 + data[0] / 8, format);
  REQUIRE(whole.has_value() == cut.has_value());
  if (!whole) return 0;
  REQUIRE(whole->set == cut->set && whole->entries == cut->entries && whole->bad == cut->bad && whole->remarks == cut->remarks);
  REQUIRE(whole->remarks.size() <= ListReader::kMostRemarks);
  if (whole->set.empty() || is_packed(text)) return 0;
  PlaceFinder finder(format, (*whole->set.begin()).address());
  (void)finder.feed(text);
  REQUIRE(finder.finish().has_value());
  return 0;
}
