#include "intake.h"

namespace deferd::blacklist {
namespace {

std::string too_many(std::uint64_t have, std::uint64_t may, std::string_view what) {
  return "covers too much: " + std::to_string(have) + " " + std::string(what) + ", at most " + std::to_string(may) +
         " are allowed";
}

}  // namespace

Intake::Intake(const FeedSpec& spec, const std::atomic<bool>& stop)
    : spec_(spec),
      stop_(stop),
      reader_(spec.format, spec.max_entries),
      unpacker_(spec.max_bytes, [this](std::string_view bytes) -> Result<void> {
        if (stop_) return fail(Errc::unavailable, "was stopped");  // a little that is packed may be much
        return reader_.feed(bytes);
      }) {}

Result<void> Intake::take(std::string_view bytes) {
  digest_.add(bytes);
  return unpacker_.feed(bytes);
}

Result<Content> Intake::finish() {
  if (auto whole = unpacker_.finish(); !whole) return tl::unexpected(whole.error());
  auto content = reader_.finish();
  if (!content) return content;
  if (content->bad > content->entries)
    return fail(Errc::invalid,
                "is no list: " + std::to_string(content->bad) + " lines cannot be read, first " + content->remarks.front());
  if (content->entries < spec_.min_entries)
    return fail(Errc::invalid, "has only " + std::to_string(content->entries) + " entries, at least " +
                                   std::to_string(spec_.min_entries) + " are expected");
  const auto coverage = content->set.coverage();
  if (coverage.v4_addresses > spec_.max_ipv4)
    return fail(Errc::invalid, too_many(coverage.v4_addresses, spec_.max_ipv4, "IPv4 addresses"));
  if (coverage.v6_networks > spec_.max_ipv6)
    return fail(Errc::invalid, too_many(coverage.v6_networks, spec_.max_ipv6, "IPv6 networks (/64)"));
  return content;
}

}  // namespace deferd::blacklist
