#include "pfbridge/helper/nft_text.h"

#include <cctype>

namespace deferd::bridge {
namespace {

std::string command(const char* verb, const NftSets& sets, const std::string& set, const std::string& elements) {
  return std::string(verb) + " element " + sets.family + ' ' + sets.table + ' ' + set + " { " + elements + " }\n";
}

void append(std::string& list, const std::string& element) { list += (list.empty() ? "" : ", ") + element; }

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\n") - begin + 1);
}

}  // namespace

std::vector<std::string> names(const NftSets& sets) {
  std::vector<std::string> all;
  for (const auto& name : {sets.hosts4, sets.hosts6, sets.prefixes4, sets.prefixes6})
    if (!name.empty()) all.push_back(name);
  return all;
}

const std::string& set_for(const NftSets& sets, const Entry& entry) {
  if (entry.family == Family::v4) return entry.is_host() ? sets.hosts4 : sets.prefixes4;
  return entry.is_host() ? sets.hosts6 : sets.prefixes6;
}

std::string nft_add(const NftSets& sets, std::span<const Row> rows) {
  std::string script;
  for (const auto& set : names(sets)) {
    std::string plain, timed;
    for (const Row& row : rows) {
      if (set_for(sets, row.entry) != set) continue;
      const auto text = row.entry.to_string();
      append(plain, text);
      append(timed, row.seconds == 0 ? text : text + " timeout " + std::to_string(row.seconds) + 's');
    }
    if (!plain.empty())
      script += command("add", sets, set, plain) + command("delete", sets, set, plain) + command("add", sets, set, timed);
  }
  return script;
}

std::string nft_remove(const NftSets& sets, std::span<const Entry> entries) {
  std::string script;
  for (const auto& set : names(sets)) {
    std::string plain;
    for (const Entry& entry : entries)
      if (set_for(sets, entry) == set) append(plain, entry.to_string());
    if (!plain.empty()) script += command("add", sets, set, plain) + command("delete", sets, set, plain);
  }
  return script;
}

bool read_nft_set(std::string_view text, std::vector<Entry>& entries) {
  if (text.find("set ") == std::string_view::npos) return false;
  constexpr std::string_view kElements = "elements = {";
  const auto begin = text.find(kElements);
  if (begin == std::string_view::npos) return text.find('}') != std::string_view::npos;  // an empty set
  text.remove_prefix(begin + kElements.size());
  const auto end = text.find('}');
  if (end == std::string_view::npos) return false;
  text = text.substr(0, end);
  while (!text.empty()) {
    const auto comma = text.find(',');
    auto element = trimmed(text.substr(0, comma));
    element = element.substr(0, element.find_first_of(" \t\n"));  // without timeout and expires
    if (const auto entry = Entry::parse(element))
      entries.push_back(*entry);
    else if (element.find('-') == std::string_view::npos)
      return false;
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return true;
}

bool nft_rule_uses(std::string_view ruleset, std::string_view set) {
  const std::string wanted = "@" + std::string(set);
  for (std::size_t at = 0; (at = ruleset.find(wanted, at)) != std::string_view::npos; at += wanted.size()) {
    const std::size_t after = at + wanted.size();
    const char next = after < ruleset.size() ? ruleset[after] : ' ';
    if (!std::isalnum(static_cast<unsigned char>(next)) && next != '_' && next != '-') return true;
  }
  return false;
}

}  // namespace deferd::bridge
