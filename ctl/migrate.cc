// migrate spamd: spamd's records, settings and tables become deferd's. What is printed is a deferd.yaml; all else in it is
// comments.
#include <chrono>
#include <sstream>

#include "ctl/entries.h"
#include "ctl/fields.h"
#include "ctl/importing.h"
#include "ctl/spamd_sources.h"
#include "ctl/table.h"

namespace deferd::ctl {
namespace {

/// Comments of YAML, which have no control characters.
std::string commented(std::string_view text) {
  std::string out;
  each_line_of(text, [&](std::string_view line, std::size_t) {
    out += line.empty() ? "#" : "# ";
    for (const char c : line) out += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? '?' : c;
    out += '\n';
  });
  return out;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string all;
  for (const auto& line : lines) all.append(line).append(1, '\n');
  return all;
}

Value list_of(const std::vector<std::string>& lines) {
  Value list = Value::list();
  for (const auto& line : lines) list.append(line);
  return list;
}

class Migration {
 public:
  Migration(const Job& job, SpamdSources sources) : job_(job), sources_(std::move(sources)) {}

  Outcome<void> run() {
    if (auto timed = find_time(); !timed) return timed;
    const auto& flags = sources_.setup.flags;
    SpamdState state(now_, flags.white_hours * 3600);
    for (const auto& client : sources_.passing.members) state.add_passing(client);
    const auto damage = each_record([&](const Entry& entry) { state.add(entry); });
    if (auto good = check_damage(sources_.dump_name, damage, job_.screen); !good) return good;
    const auto missing = state.missing();

    std::int64_t count = static_cast<std::int64_t>(missing.size());
    for (const auto kind : {Entry::Kind::white, Entry::Kind::grey, Entry::Kind::trapped, Entry::Kind::trap})
      count += state.records(kind);
    ImportBatch batch(job_.daemon, {"import", job_.arguments.dry_run, false});
    if (has_daemon_) {
      auto sent = send_entries(job_, batch, count, [&](const auto& take) {
        each_record(take);
        for (const auto& entry : missing) take(entry);
      });
      if (!sent) return sent;
    }
    tell(state, batch, missing.size());
    return {};
  }

 private:
  /// Of a dry run without a daemon, as before the first start of deferd, only the records themselves can be counted.
  Outcome<void> find_time() {
    auto now = daemon_time(job_.daemon);
    has_daemon_ = now.has_value();
    const bool absent = !now && now.error().code == kUnreachable;
    if (!now && !(absent && job_.arguments.dry_run)) return tl::unexpected(now.error());
    now_ = now ? *now : std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    return {};
  }

  template <class Take>
  std::vector<Damage> each_record(const Take& take) const {
    return read_entries(Format::spamdb, sources_.dump, now_, 0, take);
  }

  void tell(const SpamdState& state, const ImportBatch& batch, std::size_t missing) const {
    const auto config = spamd_like_config(sources_.setup);
    const auto rules = rule_differences(sources_.rules, sources_.setup.flags);
    auto remarks = spamd_remarks(sources_.setup);
    for (const auto& unread : sources_.unread) remarks.push_back(unread);
    if (job_.arguments.json) {
      Value all = has_daemon_ ? outcomes_value(batch) : Value::map();
      all.set("config", config);
      all.set("rules", list_of(rules));
      all.set("remarks", list_of(remarks));
      job_.screen.out << all.to_json() << '\n';
    } else {
      job_.screen.out << config << "\n# Rules of the packet filter: = stays, + is new, ? look at it\n"
                      << commented(joined(rules)) << (remarks.empty() ? "" : "\n# To be looked at\n")
                      << commented(joined(remarks)) << "\n"
                      << commented(counts(state, batch, missing));
    }
    for (const auto& unread : sources_.unread) job_.screen.err << "deferctl: " << escaped_lines(unread) << '\n';
    if (has_daemon_) tell_skipped(batch, job_.screen);
  }

  std::string counts(const SpamdState& state, const ImportBatch& batch, std::size_t missing) const {
    std::ostringstream text;
    text << "spamd has " << state.records(Entry::Kind::white) << " white clients, " << state.records(Entry::Kind::grey)
         << " grey mails, " << state.records(Entry::Kind::trapped) << " trapped clients and " << state.records(Entry::Kind::trap)
         << " trap addresses.\n"
         << missing << " more clients are white because they stand in <spamd-white>, or because mail of theirs has passed.\n";
    if (!has_daemon_) {
      text << "Nothing was imported: no deferd answers.\n";
      return std::move(text).str();
    }
    text << (job_.arguments.dry_run ? "Nothing was imported; this is what would be:\n"
                                    : "Imported; `deferctl export` is the way back:\n");
    print_outcomes(batch, {text, text, 0});
    return std::move(text).str();
  }

  const Job& job_;
  const SpamdSources sources_;
  std::int64_t now_ = 0;
  bool has_daemon_ = false;
};

}  // namespace

Outcome<void> migrate_spamd(const Job& job) {
  auto sources = read_spamd_sources(job);
  if (!sources) return tl::unexpected(sources.error());
  return Migration(job, std::move(*sources)).run();
}

}  // namespace deferd::ctl
