// Checks of the packet filter's tables: are they kept, and may they hold what they shall?
#include <algorithm>
#include <string>

#include "ctl/doctor.h"
#include "ctl/fields.h"

namespace deferd::ctl {
namespace {

/// Entries that stay although deferd does not know why they are there (pfbridge's README: the guard).
Finding held_back(const std::string& held) {
  return {
      Verdict::warn,
      "held: " + held +
          ". They stay, but deferd cannot tell why they are there: its store is new or was put back, others filled the table, or "
          "too many would go at once",
      "if the store is not the right one, give deferd the right one: nothing is lost until then. If it is, deferctl bridge "
      "adopt: they then count as others' and stay, but those of black and exempt go, and all do with pfbridge: {keep_foreign: "
      "no}"};
}

/// `rows` as `deferctl bridge` has them: a table, or a helper that has none.
Finding tables_are_kept(const std::vector<Value>& rows) {
  Faults faults;
  std::string held;
  if (rows.empty()) faults.add("pfbridge keeps no table", "is deferd-helper running? deferctl bridge");
  for (const Value& row : rows) {
    const auto& table = member(row, {"table"}).text();
    const auto& name = table.empty() ? member(row, {"set"}).text() : table;
    const std::string place = name + " at " + member(row, {"helper"}).text();
    if (const auto& error = member(row, {"error"}).text(); !error.empty())
      faults.add(place + ": " + error, "is deferd-helper running (its log says more)? deferctl bridge");
    if (const auto count = member(row, {"held"}).integer(); count > 0)
      append(held, std::to_string(count) + " of " + std::to_string(member(row, {"present"}).integer()) + " entries of " + place);
  }
  if (!held.empty() && faults.what.empty()) return held_back(held);
  return faults.finding(counted(rows.size(), "line") + " in deferctl bridge, all in order");
}

Finding passed_get_in(Examination& examination) {
  const auto& setup = examination.setup();
  if (!setup) return {Verdict::skipped, "deferd does not answer"};
  if (examination.listeners().empty()) return {Verdict::skipped, "listen.smtp has no address: nothing is redirected to deferd"};
  if (!examination.has_plugin("pfbridge")) {
    if (member(*setup, {"smtp", "handover"}).is_map()) return {Verdict::ok, "by hand-over alone"};
    return {Verdict::fail, "whoever passes stays redirected: neither the plugin pfbridge nor smtp.handover is there",
            "docs/hand-over.md for the one, docs/running-behind-pf.md for the other"};
  }
  const auto& rows = examination.bridge();
  if (!rows) return {Verdict::fail, "deferctl bridge: " + rows.error().what, "see deferd's log"};
  return tables_are_kept(*rows);
}

/// A network that strangers may be in.
bool is_of_others(const Prefix& network) {
  return !Prefix(Address::v4(0x7f000000), 8).contains(network) && network != *Prefix::parse("::1");
}

/// Who is exempt never becomes white: nothing but a hand-over or the packet filter lets his mail in.
Finding exempt_get_in(Examination& examination) {
  const auto& setup = examination.setup();
  if (!setup) return {Verdict::skipped, "deferd does not answer"};
  if (examination.listeners().empty()) return {Verdict::skipped, "listen.smtp has no address: nothing is redirected to deferd"};
  if (member(*setup, {"smtp", "handover"}).is_map()) return {Verdict::ok, "by hand-over"};
  if (examination.listed_only()) return {Verdict::ok, "only the listed are redirected, and none of them is exempt"};
  std::size_t addresses = member(*setup, {"exempt", "files"}).size();
  std::string names;
  for (const char* key : {"networks", "own_mx", "relays"})
    for (const Value& entry : member(*setup, {"exempt", key}).items())
      if (const auto prefix = Prefix::parse(entry.text()); !prefix)
        append(names, entry.text());
      else if (is_of_others(*prefix))
        ++addresses;
  const auto& rows = examination.bridge();
  const bool kept = rows && keeps(*rows, "exempt");
  std::string what, remedy;
  if (!kept && addresses > 0) {
    what =
        "no table is kept for who is exempt: of them those whom the rules themselves let pass get in, the others hear 451 for "
        "ever";
    remedy = "--table exempt=... of deferd-helper, as in docs/running-behind-pf.md, and rules that deferctl pf-rules prints then";
  }
  if (!names.empty()) {
    names.insert(0, "exempt by name, which the packet filter does not know: ");
    if (kept) return {Verdict::ok, "by a table, if their addresses are named, too; " + names};
    append(what, names);
    append(remedy, "name their addresses in deferd.yaml, too");
  }
  if (!what.empty()) return {Verdict::warn, what, remedy};
  return {Verdict::ok, kept ? "by a table" : "nobody is, by address"};
}

/// What each table has, or shall have if that is more.
std::vector<std::int64_t> sizes(Examination& examination) {
  std::vector<std::int64_t> all;
  if (examination.bridge())
    for (const Value& row : *examination.bridge())
      all.push_back(std::max(member(row, {"wanted"}).integer(), member(row, {"present"}).integer()));
  return all;
}

/// `needed` of what the limit allows.
Finding judged(std::int64_t needed, std::int64_t limit, std::string what, std::string remedy) {
  if (needed >= limit) return {Verdict::fail, std::move(what), std::move(remedy)};
  if (needed >= limit / 5 * 4) return {Verdict::warn, std::move(what), std::move(remedy)};
  return {Verdict::ok, std::move(what)};
}

Finding table_limit_suffices(Examination& examination) {
  if (auto unseen = examination.filter_unseen()) return *unseen;
  if (examination.kind() == FilterKind::nft) return {Verdict::skipped, "nftables has no such limit"};
  std::optional<std::int64_t> limit;
  const auto memory = examination.facts().run({"pfctl", "-sm"});
  each_line_of(memory.output, [&](std::string_view line, std::size_t) {
    const auto words = words_of(line);
    if (words.size() >= 4 && words.front() == "table-entries") limit = whole_number(words.back());
  });
  if (!limit) return {Verdict::skipped, "pfctl -sm tells no limit of table-entries"};
  std::int64_t entries = 0;
  for (const auto size : sizes(examination)) entries += size;
  return judged(entries, *limit, std::to_string(entries) + " entries of " + std::to_string(*limit) + " that all tables may have",
                "set limit table-entries " + std::to_string(std::max<std::int64_t>(400'000, 2 * entries)) + " in pf.conf");
}

/// FreeBSD's pf answers no request for more addresses than a sysctl says; a table is read back in one.
Finding request_limit_suffices(Examination& examination) {
  if (auto unseen = examination.filter_unseen()) return *unseen;
  if (examination.kind() == FilterKind::nft) return {Verdict::skipped, "nftables has no such limit"};
  const auto told = examination.facts().run({"sysctl", "-n", "net.pf.request_maxcount"});
  const auto words = words_of(std::string_view(told.output).substr(0, told.output.find('\n')));
  const auto limit = told.ok() && !words.empty() ? whole_number(words.front()) : std::nullopt;
  if (!limit) return {Verdict::skipped, "this system has no net.pf.request_maxcount"};
  std::int64_t largest = 0;
  for (const auto size : sizes(examination)) largest = std::max(largest, size);
  // deferd-helper asks for an eighth more than there is: a table may grow meanwhile.
  const auto asked = largest + largest / 8 + 64;
  const auto enough = std::to_string(std::max<std::int64_t>(400'000, 2 * largest));
  return judged(asked, *limit,
                "the largest table has " + std::to_string(largest) + " entries, and a request may be for " +
                    std::to_string(*limit) + ": a larger table is not read back, so nothing in it is repaired",
                "sysctl net.pf.request_maxcount=" + enough + ", and the same in /etc/sysctl.conf");
}

constexpr Check kTableChecks[] = {
    {"bridge", passed_get_in},
    {"exempt", exempt_get_in},
    {"table-entries", table_limit_suffices},
    {"table-requests", request_limit_suffices},
};

}  // namespace

std::span<const Check> table_checks() { return kTableChecks; }

}  // namespace deferd::ctl
