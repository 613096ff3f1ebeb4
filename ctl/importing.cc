#include "ctl/importing.h"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <sstream>

#include "ctl/table.h"

namespace deferd::ctl {
namespace {

constexpr std::size_t kDamageTold = 20;
constexpr Entry::Kind kImported[] = {Entry::Kind::white, Entry::Kind::grey, Entry::Kind::trapped, Entry::Kind::trap};

/// Rewrites one line on a terminal.
class Progress {
 public:
  Progress(const Job& job, std::int64_t all)
      : screen_(job.screen), shown_(job.screen.width > 0 && !job.arguments.json), all_(all) {}
  ~Progress() {
    if (last_ > 0) screen_.err << "\r\x1b[K" << std::flush;
  }
  void at(std::int64_t done) {
    if (!shown_ || all_ == 0 || done - last_ < all_ / 200) return;
    last_ = done;
    constexpr int kWidth = 40;
    const int filled = static_cast<int>(done * kWidth / all_);
    screen_.err << '\r' << std::string(static_cast<std::size_t>(filled), '#')
                << std::string(static_cast<std::size_t>(kWidth - filled), '.') << ' ' << done << '/' << all_ << std::flush;
  }

 private:
  const Screen& screen_;
  const bool shown_;
  const std::int64_t all_;
  std::int64_t last_ = 0;
};

}  // namespace

Outcome<std::string> read_input(const std::string& name) {
  std::ostringstream text;
  if (name == "-") {
    text << std::cin.rdbuf();
    return std::move(text).str();
  }
  std::ifstream file(name, std::ios::binary);
  if (file) text << file.rdbuf();
  if (!file) return tl::unexpected(Failure{kUsage, name + ": cannot be read"});
  return std::move(text).str();
}

Outcome<void> check_damage(const std::string& name, const std::vector<Damage>& damage, const Screen& screen) {
  for (std::size_t i = 0; i < std::min(damage.size(), kDamageTold); ++i)
    screen.err << name << ':' << damage[i].line << ": " << escaped_lines(damage[i].what)
               << (damage[i].strangers ? ": skipped" : "") << '\n';
  const auto skipped = std::count_if(damage.begin(), damage.end(), [](const Damage& one) { return one.strangers; });
  const auto fatal = static_cast<std::ptrdiff_t>(damage.size()) - skipped;
  if (fatal > 0) {
    const std::string lines = fatal == 1 ? "1 line is" : std::to_string(fatal) + " lines are";
    return tl::unexpected(Failure{kRefused, lines + " damaged: nothing was imported"});
  }
  if (skipped > static_cast<std::ptrdiff_t>(kDamageTold)) screen.err << skipped << " lines of grey mail are skipped in all\n";
  return {};
}

Outcome<void> send_entries(const Job& job, ImportBatch& batch, std::int64_t count, const EachEntry& each) {
  Outcome<void> done;
  {
    Progress progress(job, count);
    each([&](const Entry& entry) {
      if (!done) return;
      done = batch.add(entry);
      progress.at(batch.sent());
    });
    if (done) done = batch.send();
  }
  if (!done && batch.sent() > 0)
    done.error().what += " (after " + std::to_string(batch.sent()) + " of " + std::to_string(count) +
                         " entries; the same command goes on from there)";
  return done;
}

void tell_skipped(const ImportBatch& batch, const Screen& screen) {
  for (const auto& [kind, what] : {std::pair(Entry::Kind::grey, "grey mails"), std::pair(Entry::Kind::trap, "traps")})
    if (const auto skipped = batch.of(kind).skipped; skipped > 0)
      screen.err << "deferctl: " << skipped << ' ' << what << " skipped: no loaded plugin takes them\n";
}

Value outcomes_value(const ImportBatch& batch) {
  Value all = Value::map();
  for (const auto kind : kImported) {
    Value& counts = all.set(member_of(kind), Value::map());
    counts.set("added", batch.of(kind).added);
    counts.set("kept", batch.of(kind).kept);
    counts.set("expired", batch.of(kind).expired);
    counts.set("skipped", batch.of(kind).skipped);
  }
  return all;
}

void print_outcomes(const ImportBatch& batch, const Screen& screen) {
  Table table({"what", "added", "kept", "expired"}, screen);
  for (const auto kind : kImported) {
    const auto& outcomes = batch.of(kind);
    if (outcomes.all() > 0)
      table.add({std::string(member_of(kind)), std::to_string(outcomes.added), std::to_string(outcomes.kept),
                 std::to_string(outcomes.expired)});
  }
}

}  // namespace deferd::ctl
