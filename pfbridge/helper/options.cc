#include "pfbridge/helper/options.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace deferd::bridge {
namespace {

const char* const kKinds[] = {"pf", "pfctl", "nft", "file", "program"};

// KIND:PLACE; false: it is none.
bool split_place(std::string_view text, std::string& kind, std::string& place) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  kind = text.substr(0, colon);
  place = text.substr(colon + 1);
  return !place.empty() && std::find(std::begin(kKinds), std::end(kKinds), kind) != std::end(kKinds);
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 31 &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; });
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(' ', at), text.size());
    if (end > at) words.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

}  // namespace

std::string usage() {
  return "usage: deferd-helper --table NAME=KIND:PLACE ... [--bypass KIND:PLACE] [--patience SECONDS]\n"
         "                     [--pfctl \"COMMAND\"] [--user NAME] [--socket PATH [--owner NAME] | --stdio | --check]\n"
         "\n"
         "  KIND:PLACE   pf:[ANCHOR/]TABLE  pfctl:[ANCHOR/]TABLE  nft:FAMILY/TABLE/SET4[,SET6[,PREFIXES4[,PREFIXES6]]]\n"
         "               file:PATH  program:PATH\n"
         "  --bypass     the table that lets everybody pass when deferd gives no sign of life for --patience (60) seconds\n"
         "  --socket     listen on a Unix socket, which --owner alone may use; --stdio (the default): speak on standard input "
         "and output\n"
         "  --check      say of each table whether it is there and used, and end with 1 if one is not\n";
}

Options parse_options(const std::vector<std::string>& words, std::string& error) {
  Options options;
  for (std::size_t at = 0; at < words.size(); ++at) {
    const std::string& word = words[at];
    if (word == "--help" || word == "-h") {
      options.help = true;
      return options;
    }
    if (word == "--stdio") continue;
    if (word == "--check") {
      options.check = true;
      continue;
    }
    const char* const known[] = {"--table", "--bypass", "--patience", "--pfctl", "--user", "--socket", "--owner"};
    if (std::find(std::begin(known), std::end(known), word) == std::end(known)) {
      error = "unknown option " + word;
      return options;
    }
    if (at + 1 == words.size()) {
      error = word + " needs a value";
      return options;
    }
    const std::string& value = words[++at];
    if (word == "--table") {
      TableOption table;
      const auto equals = value.find('=');
      table.name = value.substr(0, equals);
      if (equals == std::string::npos || !is_name(table.name) ||
          !split_place(std::string_view(value).substr(equals + 1), table.kind, table.place)) {
        error = "--table " + value + ": not NAME=KIND:PLACE";
        return options;
      }
      options.tables.push_back(std::move(table));
    } else if (word == "--bypass") {
      std::string kind, place;
      if (!split_place(value, kind, place)) error = "--bypass " + value + ": not KIND:PLACE";
      options.bypass = value;
    } else if (word == "--patience") {
      long seconds = 0;
      const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), seconds);
      if (failed != std::errc() || end != value.data() + value.size() || seconds < 20 || seconds > 86'400)
        error = "--patience " + value + ": not a number of seconds from 20 to 86400";
      options.patience = std::chrono::seconds(seconds);
    } else if (word == "--pfctl") {
      options.pfctl = split_words(value);
      if (options.pfctl.empty()) error = "--pfctl: no command";
    } else if (word == "--user") {
      options.user = value;
    } else if (word == "--owner") {
      options.owner = value;
    } else {
      options.socket = value;
    }
    if (!error.empty()) return options;
  }
  if (options.tables.empty()) error = "no --table";
  if (options.tables.size() > 32) error = "more than 32 tables";
  return options;
}

}  // namespace deferd::bridge
