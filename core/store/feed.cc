#include "store/feed.h"

#include <random>

#include "store/encoding.h"

namespace deferd::store {
namespace {

// Power loss may cost the newest entries, which readers have seen. Their numbers must not be given out again.
constexpr std::uint64_t kLostAtMost = 10'000;

constexpr std::size_t kTrimStep = 5'000;

Result<std::uint64_t> number_at(Kv& kv, std::string_view key) {
  auto value = get_one(kv, Family::tables, key);
  if (!value) return tl::unexpected(value.error());
  if (!*value) return 0;
  return parse_u64(**value);
}

}  // namespace

Result<void> rename_feed(Kv& kv) {
  std::random_device random;
  const std::uint64_t id = static_cast<std::uint64_t>(random()) << 32 | random() | 1;
  Batch batch;
  batch.put(Family::tables, std::string(kFeedIdKey), print_u64(id));
  return kv.write(batch.writes());
}

Result<void> Feed::open(Kv& kv, Feed& feed) {
  auto id = number_at(kv, kFeedIdKey);
  if (id && *id == 0) {
    if (auto named = rename_feed(kv); !named) return named;
    id = number_at(kv, kFeedIdKey);
  }
  if (!id) return tl::unexpected(id.error());
  auto trimmed = number_at(kv, kFeedTrimmedKey);
  if (!trimmed) return tl::unexpected(trimmed.error());

  std::uint64_t last = *trimmed;
  auto scanned = kv.scan(Family::tables, kFeedKeys, after_prefix(std::string(kFeedKeys)), true, [&](std::string_view key, auto) {
    last = std::max(last, parse_u64(key.substr(kFeedKeys.size())).value_or(0));
    return false;
  });
  if (!scanned) return scanned;
  feed.id_ = *id;
  feed.trimmed_ = *trimmed;
  feed.next_ = last == 0 ? 1 : last + 1 + kLostAtMost;
  feed.committed_ = feed.next_ - 1;
  return {};
}

void Feed::append(Batch& batch, Time now, const TableEvent& event) {
  batch.put(Family::tables, feed_key(next_++), print_event(now, event));
}

Result<void> Feed::trim(Kv& kv, const FeedLimits& limits, Time now, bool by_age) {
  const std::uint64_t from = trimmed_ + 1;
  std::vector<std::uint64_t> gone;
  auto scanned =
      kv.scan(Family::tables, feed_key(from), feed_key(next_), false, [&](std::string_view key, std::string_view value) {
        const auto sequence = parse_u64(key.substr(kFeedKeys.size())).value_or(0);
        const auto entry = parse_event(value);
        const bool too_many = sequence + limits.max < next_;
        const bool too_old = by_age && (!entry || entry->when + limits.age < now);
        if ((!too_many && !too_old) || gone.size() >= kTrimStep) return false;
        gone.push_back(sequence);
        return true;
      });
  if (!scanned || gone.empty()) return scanned;

  trimmed_ = gone.back();  // before they go: page() looks at the entries first and here afterwards
  Batch batch;
  batch.put(Family::tables, std::string(kFeedTrimmedKey), print_u64(gone.back()));
  for (auto sequence : gone) batch.erase(Family::tables, feed_key(sequence));
  return kv.write(batch.writes());
}

std::string Feed::cursor(std::uint64_t sequence) const { return to_hex(print_u64(id_) + print_u64(sequence)); }

Result<FeedPage> Feed::page(Kv& kv, std::string_view cursor_text, std::size_t limit) const {
  std::uint64_t position = 0;
  if (!cursor_text.empty()) {
    const auto bytes = from_hex(cursor_text);
    if (!bytes || bytes->size() != 16) return fail(Errc::invalid, "not a cursor of the change feed");
    Reader reader(*bytes);
    const auto id = reader.u64();
    position = reader.u64();
    if (id != id_ || position >= next_)
      return fail(Errc::cursor_too_old, "the cursor is of another database or of one since replaced");
  }

  FeedPage page;
  std::optional<Error> damage;
  const std::uint64_t from = cursor_text.empty() ? trimmed_.load() : position;
  std::uint64_t last = from;
  limit = std::max<std::size_t>(1, limit);
  auto scanned = kv.scan(Family::tables, feed_key(from + 1), after_prefix(std::string(kFeedKeys)), false,
                         [&](std::string_view key, std::string_view value) {
                           auto entry = parse_event(value);
                           if (!entry) {
                             damage = entry.error();
                             return false;
                           }
                           last = parse_u64(key.substr(kFeedKeys.size())).value_or(0);
                           page.events.push_back(std::move(entry->event));
                           return page.events.size() < limit;
                         });
  if (!scanned) return tl::unexpected(scanned.error());
  if (damage) return tl::unexpected(*damage);
  if (!cursor_text.empty() && position < trimmed_)
    return fail(Errc::cursor_too_old, "the change feed no longer holds what followed");
  page.cursor = cursor(last);
  return page;
}

}  // namespace deferd::store
