#include "pfbridge/follower.h"

namespace deferd::pfbridge {
namespace {

constexpr std::size_t kEventsAtOnce = 4'000;

bool is_over(const TableEvent& event) { return event.cause == TableCause::remove || event.cause == TableCause::expire; }

}  // namespace

Result<Follower::Step> Follower::step(Tables& tables) { return position_.empty() || scanning_ ? scan(tables) : follow(tables); }

Result<Follower::Step> Follower::scan(Tables& tables) {
  if (!scanning_) {
    auto end = tables.feed_end();
    if (!end) return tl::unexpected(end.error());
    scan_from_ = std::move(*end);
    scanning_ = true;
    scanned_set_ = Set::white;
    cursor_.clear();
    white_.clear();
    trapped_.clear();
  }
  auto page = tables.scan(to_string(scanned_set_), cursor_, kEventsAtOnce);
  if (!page) {
    scanning_ = false;  // from the beginning, next time
    return tl::unexpected(page.error());
  }
  auto& rows = scanned_set_ == Set::white ? white_ : trapped_;
  for (const auto& row : page->rows) rows.put(row.prefix, row.expires);
  cursor_ = std::move(page->cursor);
  if (!cursor_.empty()) return Step{true, false, {}};
  if (scanned_set_ == Set::white) {
    scanned_set_ = Set::trapped;
    return Step{true, false, {}};
  }
  scanning_ = false;
  position_ = scan_from_;
  Step step{true, true, wanted_.replace(std::move(white_), std::move(trapped_))};
  white_.clear();
  trapped_.clear();
  return step;
}

Result<Follower::Step> Follower::follow(Tables& tables) {
  auto page = tables.feed(position_, kEventsAtOnce);
  if (!page && page.error().code == Errc::cursor_too_old) return scan(tables);
  if (!page) return tl::unexpected(page.error());
  for (const auto& event : page->events) {
    const auto set = set_named(event.table);
    if (!set || !has_rows(*set)) continue;
    if (is_over(event))
      wanted_.erase(*set, event.prefix);
    else
      wanted_.put(*set, event.prefix, event.new_expires);
  }
  position_ = std::move(page->cursor);
  return Step{page->events.size() >= kEventsAtOnce, false, {}};
}

Result<Past> past_of(Tables& tables, std::string_view table, std::string position) {
  Past past;
  for (bool more = true; more;) {
    auto page = tables.feed(position, kEventsAtOnce);
    if (!page) return tl::unexpected(page.error());
    for (const auto& event : page->events)
      if (event.table == table) (is_over(event) ? past.over : past.renewed).push_back(event.prefix);
    position = std::move(page->cursor);
    more = page->events.size() >= kEventsAtOnce;
  }
  return past;
}

}  // namespace deferd::pfbridge
