#include "pfbridge/helper/nft_text.h"

#include <cctype>

namespace deferd::bridge {
namespace {

std::string command(const char* verb, const NftSets& sets, const std::string& set, const std::string& elements) {
  return std::string(verb) + " element " + sets.family + ' ' + sets.table + ' ' + set + " { " + elements + " }\n";
}

void append(std::string& list, const std::string& element) { list += (list.empty() ? "" : ", ") + element; }

}  // namespace

std::vector<std::string> names(const NftSets& sets) {
  std::vector<std::string> all;
  for (const auto& name : {sets.hosts4, sets.hosts6, sets.prefixes4, sets.prefixes6})
    if (!name.empty()) all.push_back(name);
  return all;
}

bool in_hosts(const NftSets& sets, const Entry& entry) {
  return entry.is_host() && !(entry.family == Family::v4 ? sets.hosts4 : sets.hosts6).empty();
}

const std::string& set_for(const NftSets& sets, const Entry& entry) {
  if (in_hosts(sets, entry)) return entry.family == Family::v4 ? sets.hosts4 : sets.hosts6;
  return entry.family == Family::v4 ? sets.prefixes4 : sets.prefixes6;
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
