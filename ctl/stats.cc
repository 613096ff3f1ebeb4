// stats: what was decided since the start, and how fast.
#include <cstdio>
#include <optional>
#include <thread>

#include "ctl/commands.h"
#include "ctl/table.h"
#include "deferd/time.h"

namespace deferd::ctl {
namespace {

std::int64_t number_of(const Value* map, std::string_view key) {
  const Value* value = map != nullptr && map->is_map() ? map->find(key) : nullptr;
  return value != nullptr ? value->integer() : 0;
}

std::string per_minute(std::int64_t count, std::int64_t seconds) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f", seconds > 0 ? 60.0 * static_cast<double>(count) / static_cast<double>(seconds) : 0.0);
  return text;
}

/// `before`: the last print of --watch; rates are then those in between.
void print_counts(const Value& now, const std::optional<Value>& before, std::string_view key, const Screen& screen) {
  const Value* counts = now.find(key);
  if (counts == nullptr) return;
  bool any = false;
  const Value* old = before ? before->find(key) : nullptr;
  const std::int64_t seconds = number_of(&now, "uptime") - (before ? number_of(&*before, "uptime") : 0);
  Table table({std::string(key), "count", "per_minute"}, screen);
  for (std::size_t i = 0; i < counts->size(); ++i) {
    const std::int64_t count = counts->items()[i].integer();
    if (count == 0) continue;
    any = true;
    table.add({cell(Value(counts->key(i))), std::to_string(count), per_minute(count - number_of(old, counts->key(i)), seconds)});
  }
  if (!any) screen.out << "no " << key << " yet\n";
}

void print_stats(const Value& now, const std::optional<Value>& before, const Screen& screen) {
  screen.out << cell(now, "time") << ", up " << format_duration(std::chrono::seconds(number_of(&now, "uptime"))) << "\n\n";
  print_counts(now, before, "decisions", screen);
  screen.out << '\n';
  print_counts(now, before, "counters", screen);
}

}  // namespace

Outcome<void> stats(const Job& job) {
  auto every = parse_duration(job.arguments.every);
  if (!every || every->count() <= 0)
    return tl::unexpected(Failure{kUsage, "--every: '" + job.arguments.every + "' is no duration such as 2s"});
  const bool clears = job.arguments.watch && job.screen.width > 0 && !job.arguments.json;
  std::optional<Value> before;
  for (unsigned print = 1;; ++print) {
    auto answer = job.daemon.ask({"GET", "/v1/stats"});
    if (!answer) return tl::unexpected(answer.error());
    if (job.arguments.json) {
      job.screen.out << *answer;
    } else {
      auto now = read_json(*answer);
      if (!now) return tl::unexpected(now.error());
      if (clears)
        job.screen.out << "\x1b[H\x1b[J";
      else if (before)
        job.screen.out << '\n';
      print_stats(*now, before, job.screen);
      before = std::move(*now);
    }
    job.screen.out.flush();
    if (!job.arguments.watch || print == job.arguments.count || !job.screen.out) return {};
    std::this_thread::sleep_for(*every);
  }
}

}  // namespace deferd::ctl
