#include "ctl/rule_filler.h"

#include <algorithm>

#include "ctl/fields.h"

namespace deferd::ctl {
namespace {

bool part_of_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/// Where `word` stands by itself, from `at` on.
std::size_t find_word(std::string_view line, std::string_view word, std::size_t at = 0) {
  for (; (at = line.find(word, at)) != line.npos; ++at) {
    const auto end = at + word.size();
    if ((at == 0 || !part_of_name(line[at - 1])) && (end == line.size() || !part_of_name(line[end]))) return at;
  }
  return at;
}

std::string with_names(std::string line, const RuleFacts& facts) {
  for (const auto& [from, to] : facts.renamed)
    for (std::size_t at = 0; (at = find_word(line, from, at)) != std::string::npos; at += to.size())
      line.replace(at, from.size(), to);
  return line;
}

std::string list_of(const std::vector<Prefix>& prefixes, std::optional<Family> family) {
  std::string list;
  for (const Prefix& prefix : prefixes)
    if (!family || prefix.address().is_v4() == (*family == Family::v4)) list += (list.empty() ? "" : ", ") + prefix.to_string();
  return list;
}

/// A line that gives a name its value, and what is written in its place; nullopt: it has no value.
struct Definition {
  std::string begin;
  std::optional<std::string> value;
};

/// The lines to be replaced, and the names that have no value then.
struct Plan {
  std::vector<Definition> definitions;
  std::vector<std::string> without;

  void define(const std::string& name, const std::string& begin, std::optional<std::string> value) {
    if (!value) without.push_back("$" + name);
    definitions.push_back({begin, std::move(value)});
  }
};

void plan_pf(const RuleFacts& facts, Plan& plan) {
  const auto macro = [&](const std::string& name, const std::optional<std::string>& value) {
    plan.define(name, name + " = ", value ? std::optional(name + " = \"" + *value + '"') : std::nullopt);
  };
  if (!facts.interface.empty()) macro("ext_if", facts.interface);
  for (const auto& [number, listener] : {std::pair("4", facts.v4), std::pair("6", facts.v6)}) {
    macro(std::string("listener") + number, listener ? std::optional(listener->address.to_string()) : std::nullopt);
    macro(std::string("port") + number, listener ? std::optional(std::to_string(listener->port)) : std::nullopt);
  }
  const std::string table = "table <deferd-exempt> persist";
  plan.definitions.push_back(
      {table + ' ', facts.exempt_kept ? table : table + " { " + list_of(facts.exempt, std::nullopt) + " }"});
}

void plan_nft(const RuleFacts& facts, Plan& plan) {
  const auto variable = [&](const std::string& name, const std::optional<std::string>& value) {
    const std::string begin = "define " + name + " = ";
    plan.define(name, begin, value ? std::optional(begin + *value) : std::nullopt);
  };
  if (!facts.interface.empty()) variable("external", '"' + facts.interface + '"');
  for (const auto& [number, listener] : {std::pair("4", facts.v4), std::pair("6", facts.v6)}) {
    variable(std::string("port") + number, listener ? std::optional(std::to_string(listener->port)) : std::nullopt);
    const auto own = facts.exempt_kept ? "" : list_of(facts.exempt, *number == '4' ? Family::v4 : Family::v6);
    variable(std::string("own") + number, own.empty() ? std::nullopt : std::optional("{ " + own + " }"));
    if (facts.exempt_kept) plan.definitions.push_back({std::string("flush set inet deferd exempt") + number, std::nullopt});
  }
}

std::string fill_line(std::string_view line, const Plan& plan, const RuleFacts& facts) {
  if (line.starts_with('#')) return with_names(std::string(line), facts);
  for (const auto& definition : plan.definitions)
    if (line.starts_with(definition.begin))
      return definition.value ? with_names(*definition.value, facts) : '#' + std::string(line);
  const bool lacks = std::any_of(plan.without.begin(), plan.without.end(),
                                 [&](const std::string& name) { return find_word(line, name) != line.npos; });
  return (lacks ? "#" : "") + with_names(std::string(line), facts);
}

}  // namespace

std::string fill_rules(RuleSystem system, std::string_view rules, const RuleFacts& facts) {
  Plan plan;
  system == RuleSystem::nft ? plan_nft(facts, plan) : plan_pf(facts, plan);
  std::string notes;
  for (const auto& note : facts.notes) notes += "# NOTE: " + note + '\n';
  std::string out = rules.starts_with("#!") ? "" : notes;
  each_line_of(rules, [&](std::string_view line, std::size_t number) {
    out += fill_line(line, plan, facts) + '\n';
    if (number == 1 && line.starts_with("#!")) out += notes;
  });
  return out;
}

}  // namespace deferd::ctl
