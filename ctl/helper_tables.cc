#include "ctl/helper_tables.h"

#include <algorithm>

#include "ctl/fields.h"
#include "ctl/member.h"

namespace deferd::ctl {
namespace {

/// `KIND:PLACE`; nullopt: not of a packet filter.
std::optional<HelperTable> read_place(std::string_view name, std::string_view place) {
  const auto colon = place.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto kind = place.substr(0, colon);
  place.remove_prefix(colon + 1);
  HelperTable table;
  table.name = name;
  const auto slash = place.rfind('/');
  if (slash != std::string_view::npos) table.within = place.substr(0, slash);
  const auto rest = slash == std::string_view::npos ? place : place.substr(slash + 1);
  if (kind == "pf" || kind == "pfctl") {
    table.sets.emplace_back(rest);
  } else if (kind == "nft") {
    table.kind = FilterKind::nft;
    for (const auto set : split(rest, ',')) table.sets.emplace_back(set);
  } else {
    return std::nullopt;
  }
  return table;
}

std::vector<std::string_view> words(const Value& argv) {
  std::vector<std::string_view> all;
  for (const Value& word : argv.items()) all.emplace_back(word.text());
  return all;
}

/// One helper's command line.
void read_command(const std::vector<std::string_view>& argv, HelperPlan& plan) {
  const auto is = [](std::string_view word, std::string_view program) {
    return word == program || word.ends_with("/" + std::string(program));
  };
  const auto helper = std::find_if(argv.begin(), argv.end(), [&](auto word) { return is(word, "deferd-helper"); });
  if (helper == argv.end()) return;
  std::vector<HelperTable> tables;
  bool remote = std::any_of(argv.begin(), helper, [&](auto word) { return is(word, "ssh"); });
  for (auto word = helper + 1; word != argv.end() && word + 1 != argv.end(); ++word) {
    const auto value = *(word + 1);
    if (*word == "--table") {
      const auto equals = value.find('=');
      if (equals == std::string_view::npos) continue;
      if (auto table = read_place(value.substr(0, equals), value.substr(equals + 1))) tables.push_back(std::move(*table));
    } else if (*word == "--bypass") {
      if (auto table = read_place("bypass", value)) tables.push_back(std::move(*table));
    } else if (*word == "--pfctl") {
      const auto command = words_of(value);
      remote = remote || (!command.empty() && is(command.front(), "ssh"));
    } else if (*word == "--capture") {
      plan.captures.emplace_back(value.substr(0, value.find('=')));
    }
  }
  plan.elsewhere = plan.elsewhere || remote;
  if (!remote) plan.tables.insert(plan.tables.end(), tables.begin(), tables.end());
}

HelperTable usual_pf(const char* name) { return {name, FilterKind::pf, "", {std::string("deferd-") + name}}; }

HelperTable usual_nft(const char* name, std::vector<std::string> sets) {
  return {name, FilterKind::nft, "inet/deferd", std::move(sets)};
}

}  // namespace

std::vector<std::string> HelperTable::sets_of(Family family) const {
  if (kind == FilterKind::pf) return sets;
  std::vector<std::string> found;
  for (std::size_t i = family == Family::v4 ? 0 : 1; i < sets.size(); i += 2)
    if (!sets[i].empty()) found.push_back(within + '/' + sets[i]);
  return found;
}

const HelperTable* HelperPlan::table(std::string_view name) const {
  const auto found = std::find_if(tables.begin(), tables.end(), [&](const HelperTable& table) { return table.name == name; });
  return found == tables.end() ? nullptr : &*found;
}

HelperPlan read_helpers(const Value& helpers) {
  HelperPlan plan;
  for (const Value& argv : helpers.items())
    if (argv.is_list()) read_command(words(argv), plan);
  return plan;
}

bool keeps(const std::vector<Value>& bridge, std::string_view set) {
  return std::any_of(bridge.begin(), bridge.end(), [&](const Value& row) { return member(row, {"set"}).text() == set; });
}

HelperTable usual_exempt(FilterKind kind) {
  return kind == FilterKind::pf ? usual_pf("exempt") : usual_nft("exempt", {"", "", "exempt4", "exempt6"});
}

HelperPlan usual_helpers(FilterKind kind, bool listed_only) {
  HelperPlan plan;
  if (kind == FilterKind::pf) {
    plan.tables = listed_only ? std::vector{usual_pf("black"), usual_pf("trapped"), usual_pf("bypass")}
                              : std::vector{usual_pf("white"), usual_pf("bypass")};
    if (!listed_only) plan.captures = {"pflog1"};
    return plan;
  }
  if (listed_only) {
    plan.tables = {usual_nft("black", {"black4", "black6", "blackprefixes4", "blackprefixes6"}),
                   usual_nft("trapped", {"trapped4", "trapped6"})};
  } else {
    plan.tables = {usual_nft("white", {"white4", "white6", "prefixes4", "prefixes6"})};
    plan.captures = {"nflog:155", "nflog:255"};
  }
  plan.tables.push_back(usual_nft("bypass", {"", "", "bypass4", "bypass6"}));
  return plan;
}

}  // namespace deferd::ctl
