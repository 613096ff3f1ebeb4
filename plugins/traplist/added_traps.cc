#include "added_traps.h"

#include <array>
#include <charconv>

namespace deferd::traplist {
namespace {

constexpr std::string_view kGroups = "t";
constexpr std::string_view kKey = "trap";
constexpr char kAddedVersion = '1';

std::string group_of(std::string_view folded) { return std::string(kGroups).append(folded); }

std::optional<Time> decode_added(std::string_view value) {
  if (value.empty() || value.front() != kAddedVersion) return std::nullopt;
  Duration::rep seconds = 0;
  const auto read = std::from_chars(value.data() + 1, value.data() + value.size(), seconds);
  if (read.ec != std::errc{}) return std::nullopt;
  return Time(Duration(seconds));
}

Change change_to(std::optional<std::string> value) {
  constexpr Time kNever{std::chrono::sys_days(std::chrono::year(2200) / 1 / 1)};
  return {std::string(kKey), std::move(value), kNever, {}};
}

}  // namespace

std::optional<Time> find_added(Store& store, std::string_view folded) {
  const std::array<std::string_view, 1> keys = {kKey};
  const auto records = or_throw(store.read(group_of(folded), keys));
  return records[0].value ? decode_added(*records[0].value) : std::nullopt;
}

bool add_trap(Store& store, std::string_view folded, Time added) {
  bool fresh = false;
  const std::array<std::string_view, 1> keys = {kKey};
  or_throw(update(store, group_of(folded), keys, [&](std::span<const Record> records) {
    fresh = !records[0].value;
    std::vector<Change> changes;
    if (fresh) changes.push_back(change_to(kAddedVersion + std::to_string(added.time_since_epoch().count())));
    return changes;
  }));
  return fresh;
}

bool remove_trap(Store& store, std::string_view folded) {
  if (!find_added(store, folded)) return false;
  const auto change = change_to(std::nullopt);
  or_throw(store.commit(group_of(folded), {&change, 1}));
  return true;
}

void each_trap(Store& store, const std::function<bool(const std::string& address, Time added)>& take) {
  std::string cursor;
  do {
    auto page = or_throw(store.scan(kGroups, cursor, 500));
    for (const auto& record : page.records)
      if (const auto added = record.key == kKey ? decode_added(record.value) : std::nullopt)
        if (!take(record.group.substr(kGroups.size()), *added)) return;
    cursor = std::move(page.cursor);
  } while (!cursor.empty());
}

}  // namespace deferd::traplist
