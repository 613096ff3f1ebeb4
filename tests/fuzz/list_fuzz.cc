// Block lists: any bytes, packed or not, cut wherever. What is read does not depend on the cuts, and an address that a list holds
// is found on a line of it.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "intake.h"
#include "require.h"

using namespace deferd;
using namespace deferd::blacklist;

namespace {

FeedSpec spec_of(Format format) {
  FeedSpec spec;
  spec.format = format;
  spec.max_entries = 1000;
  spec.max_bytes = 1 << 20;
  spec.max_ipv4 = 1ull << 32;
  spec.max_ipv6 = ~0ull;
  return spec;
}

/// What became of it, and as what.
struct Taken {
  Result<Content> content = fail(Errc::invalid, "");
  std::string digest;
};

/// In pieces of `piece` bytes.
Taken take(std::string_view body, std::size_t piece, const FeedSpec& spec) {
  const std::atomic<bool> stop{false};
  Intake intake(spec, stop);
  for (; !body.empty(); body.remove_prefix(std::min(piece, body.size())))
    if (auto done = intake.take(body.substr(0, piece)); !done) return {tl::unexpected(done.error()), {}};
  return {intake.finish(), intake.digest()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const auto spec = spec_of(data[0] % 2 == 0 ? Format::plain : Format::postgrey);
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = take(body, body.size(), spec);
  const auto cut = take(body, 1 + data[0] / 8, spec);
  REQUIRE(whole.content.has_value() == cut.content.has_value());
  if (!whole.content) return 0;  // of several things that are wrong the first to be met is told
  REQUIRE(whole.digest == cut.digest);
  REQUIRE(whole.content->set == cut.content->set && whole.content->entries == cut.content->entries);
  REQUIRE(whole.content->bad == cut.content->bad && whole.content->remarks == cut.content->remarks);
  REQUIRE(whole.content->remarks.size() <= ListReader::kMostRemarks);
  if (whole.content->set.empty()) return 0;
  PlaceFinder finder(spec.format, (*whole.content->set.begin()).address());
  Unpacker unpacker(spec.max_bytes, [&](std::string_view bytes) { return finder.feed(bytes); });
  if (unpacker.feed(body)) (void)unpacker.finish();
  REQUIRE(finder.finish().has_value());
  return 0;
}
