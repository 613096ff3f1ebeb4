#include "hits.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

namespace deferd::traplist {
namespace {

constexpr char kHitsVersion = '1';

// "1 1767225600 1767225660": the version, then the moments.
std::vector<Time> decode_hits(std::string_view value) {
  std::vector<Time> times;
  if (value.empty() || value.front() != kHitsVersion) return times;
  const char* at = value.data() + 1;
  const char* const end = value.data() + value.size();
  while (at != end && *at == ' ') {
    Duration::rep seconds = 0;
    const auto read = std::from_chars(at + 1, end, seconds);
    if (read.ec != std::errc{}) break;
    times.emplace_back(Duration(seconds));
    at = read.ptr;
  }
  return times;
}

std::string encode(const std::vector<Time>& times) {
  std::string value(1, kHitsVersion);
  for (const auto time : times) value.append(1, ' ').append(std::to_string(time.time_since_epoch().count()));
  return value;
}

}  // namespace

std::string client_group(const std::string& client) { return std::string(kClientGroups) + client; }

std::size_t counted(std::string_view value) { return decode_hits(value).size(); }

bool one_more(Store& store, const std::string& client, std::string_view what, Time now, unsigned limit, Duration within) {
  if (limit <= 1) return true;
  bool reached = false;
  const std::array<std::string_view, 1> keys = {what};
  or_throw(update(store, client_group(client), keys, [&](std::span<const Record> records) {
    auto times = records[0].value ? decode_hits(*records[0].value) : std::vector<Time>{};
    // Moments in the future are of a clock that was set back: they count as now.
    for (auto& time : times) time = std::min(time, now);
    std::erase_if(times, [&](Time time) { return time <= now - within; });
    times.push_back(now);
    reached = times.size() >= limit;
    Change change{std::string(what), std::nullopt, now + within, {}};
    if (!reached) change.value = encode(times);
    return std::vector<Change>{std::move(change)};
  }));
  return reached;
}

}  // namespace deferd::traplist
