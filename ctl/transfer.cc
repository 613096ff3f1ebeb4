// import, export: what greylisters know, from one to the other.
#include <algorithm>

#include "ctl/berkeley_db.h"
#include "ctl/commands.h"
#include "ctl/entries.h"
#include "ctl/importing.h"
#include "deferd/address.h"
#include "deferd/time.h"

namespace deferd::ctl {
namespace {

constexpr std::pair<std::string_view, Format> kFormats[] = {{"spamdb", Format::spamdb},
                                                            {"list", Format::list},
                                                            {"postgrey", Format::postgrey},
                                                            {"milter-greylist", Format::milter_greylist}};

Outcome<std::int64_t> lasting_of(const std::string& text) {
  if (text == "never") return kNever;
  const auto duration = parse_duration(text.empty() ? "36d" : text);
  if (!duration || duration->count() <= 0)
    return tl::unexpected(Failure{kUsage, "--for: '" + text + "' is no duration such as 36d, nor never"});
  return std::chrono::duration_cast<std::chrono::seconds>(*duration).count();
}

}  // namespace

Outcome<void> import_file(const Job& job) {
  const auto& arguments = job.arguments;
  const auto format = std::find_if(std::begin(kFormats), std::end(kFormats), [&](const auto& known) {
                        return known.first == arguments.format;
                      })->second;
  auto lasting = lasting_of(arguments.lasting);
  if (!lasting) return tl::unexpected(lasting.error());
  auto text = format == Format::postgrey && is_berkeley_db(arguments.what) ? dump_berkeley_db(arguments.what)
                                                                           : read_input(arguments.what);
  if (!text) return tl::unexpected(text.error());
  auto now = daemon_time(job.daemon);
  if (!now) return tl::unexpected(now.error());

  std::int64_t count = 0;
  const auto damage = read_entries(format, *text, *now, *lasting, [&](const Entry&) { ++count; });
  if (auto good = check_damage(arguments.what, damage, job.screen); !good) return good;

  ImportBatch batch(job.daemon, {"import", arguments.dry_run, false});
  auto sent = send_entries(job, batch, count, [&](const auto& take) { read_entries(format, *text, *now, *lasting, take); });
  if (!sent) return sent;
  if (arguments.json) {
    job.screen.out << outcomes_value(batch).to_json() << '\n';
  } else {
    if (arguments.dry_run) job.screen.out << "nothing was changed; this is what would be:\n";
    print_outcomes(batch, job.screen);
  }
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
