// import, export: what greylisters know, from one to the other.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <sstream>

#include "ctl/commands.h"
#include "ctl/entries.h"
#include "ctl/import_batch.h"
#include "ctl/table.h"
#include "deferd/address.h"
#include "deferd/time.h"

namespace deferd::ctl {
namespace {

constexpr std::size_t kDamageTold = 20;
constexpr std::pair<std::string_view, Format> kFormats[] = {{"spamdb", Format::spamdb},
                                                            {"list", Format::list},
                                                            {"postgrey", Format::postgrey},
                                                            {"milter-greylist", Format::milter_greylist}};

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

Outcome<std::int64_t> lasting_of(const std::string& text) {
  if (text == "never") return kNever;
  const auto duration = parse_duration(text.empty() ? "36d" : text);
  if (!duration || duration->count() <= 0)
    return tl::unexpected(Failure{kUsage, "--for: '" + text + "' is no duration such as 36d, nor never"});
  return std::chrono::duration_cast<std::chrono::seconds>(*duration).count();
}

/// Refuses a file with damage, but for what strangers could do to it: that is told and skipped.
Outcome<void> check(const std::string& name, const Screen& screen, const std::vector<Damage>& damage) {
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

void tell_skipped(const ImportBatch& batch, const Screen& screen) {
  for (const auto& [kind, what] : {std::pair(Entry::Kind::grey, "grey mails"), std::pair(Entry::Kind::trap, "traps")})
    if (const auto skipped = batch.of(kind).skipped; skipped > 0)
      screen.err << "deferctl: " << skipped << ' ' << what << " skipped: no loaded plugin takes them\n";
}

void print_outcomes(const ImportBatch& batch, const Job& job) {
  constexpr Entry::Kind kKinds[] = {Entry::Kind::white, Entry::Kind::grey, Entry::Kind::trapped, Entry::Kind::trap};
  if (job.arguments.json) {
    Value all = Value::map();
    for (const auto kind : kKinds) {
      Value& counts = all.set(member_of(kind), Value::map());
      counts.set("added", batch.of(kind).added);
      counts.set("kept", batch.of(kind).kept);
      counts.set("expired", batch.of(kind).expired);
      counts.set("skipped", batch.of(kind).skipped);
    }
    job.screen.out << all.to_json() << '\n';
    return;
  }
  if (job.arguments.dry_run) job.screen.out << "nothing was changed; this is what would be:\n";
  Table table({"what", "added", "kept", "expired"}, job.screen);
  for (const auto kind : kKinds) {
    const auto& outcomes = batch.of(kind);
    if (outcomes.all() > 0)
      table.add({std::string(member_of(kind)), std::to_string(outcomes.added), std::to_string(outcomes.kept),
                 std::to_string(outcomes.expired)});
  }
}

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

Outcome<void> import_file(const Job& job) {
  const auto& arguments = job.arguments;
  const auto format = std::find_if(std::begin(kFormats), std::end(kFormats), [&](const auto& known) {
                        return known.first == arguments.format;
                      })->second;
  auto lasting = lasting_of(arguments.lasting);
  if (!lasting) return tl::unexpected(lasting.error());
  auto text = read_input(arguments.what);
  if (!text) return tl::unexpected(text.error());
  auto now = daemon_time(job.daemon);
  if (!now) return tl::unexpected(now.error());

  std::int64_t count = 0;
  const auto damage = read_entries(format, *text, *now, *lasting, [&](const Entry&) { ++count; });
  if (auto good = check(arguments.what, job.screen, damage); !good) return good;

  ImportBatch batch(job.daemon, {"import", arguments.dry_run, false});
  Outcome<void> done;
  {
    Progress progress(job, count);
    read_entries(format, *text, *now, *lasting, [&](const Entry& entry) {
      if (!done) return;
      done = batch.add(entry);
      progress.at(batch.sent());
    });
    if (done) done = batch.send();
  }
  if (!done) {
    auto failure = done.error();
    if (batch.sent() > 0)
      failure.what += " (after " + std::to_string(batch.sent()) + " of " + std::to_string(count) +
                      " entries; the same command goes on from there)";
    return tl::unexpected(std::move(failure));
  }
  print_outcomes(batch, job);
  tell_skipped(batch, job.screen);
  return {};
}

Outcome<void> export_all(const Job& job) {
  if (job.arguments.format == "list") {
    std::vector<Prefix> prefixes;
    auto done = each_entry(job.daemon, Entry::Kind::white, [&](const Entry& entry) {
      if (const auto prefix = Prefix::parse(entry.key)) prefixes.push_back(*prefix);
      return true;
    });
    if (!done) return done;
    std::sort(prefixes.begin(), prefixes.end());
    for (const auto& prefix : prefixes) job.screen.out << prefix.to_string() << '\n';
    return {};
  }
  std::vector<std::string> lines;
  for (const auto kind : {Entry::Kind::white, Entry::Kind::grey, Entry::Kind::trapped, Entry::Kind::trap}) {
    auto done = each_entry(job.daemon, kind, [&](const Entry& entry) {
      lines.push_back(spamdb_line(entry));
      return true;
    });
    if (!done) return done;
  }
  std::sort(lines.begin(), lines.end());
  lines.erase(std::unique(lines.begin(), lines.end()), lines.end());
  for (const auto& line : lines) job.screen.out << line << '\n';
  return {};
}

}  // namespace deferd::ctl
