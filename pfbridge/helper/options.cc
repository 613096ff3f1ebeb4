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

template <class T>
bool read_number(std::string_view text, T& number) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failed == std::errc() && end == text.data() + text.size();
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

// nflog:GROUP[=in|out], or the name of a log interface of pf.
bool read_capture(const std::string& text, CaptureOption& capture) {
  constexpr std::string_view kNflog = "nflog:";
  if (!text.starts_with(kNflog)) {
    capture.device = text;
    return is_name(text);
  }
  const auto equals = std::min(text.find('='), text.size());
  const std::string_view way = std::string_view(text).substr(equals);
  if (way == "=in")
    capture.direction = Direction::in;
  else if (way == "=out")
    capture.direction = Direction::out;
  else if (!way.empty())
    return false;
  capture.device = text.substr(0, equals);
  std::uint16_t group = 0;
  return read_number(std::string_view(capture.device).substr(kNflog.size()), group);
}

std::string take_table(const std::string& value, Options& options) {
  TableOption table;
  const auto equals = value.find('=');
  table.name = value.substr(0, equals);
  if (equals == std::string::npos || !is_name(table.name) ||
      !split_place(std::string_view(value).substr(equals + 1), table.kind, table.place))
    return "not NAME=KIND:PLACE";
  options.tables.push_back(std::move(table));
  return {};
}

std::string take_bypass(const std::string& value, Options& options) {
  std::string kind, place;
  options.bypass = value;
  return split_place(value, kind, place) ? "" : "not KIND:PLACE";
}

std::string take_patience(const std::string& value, Options& options) {
  long seconds = 0;
  if (!read_number(value, seconds) || seconds < 20 || seconds > 86'400) return "not a number of seconds from 20 to 86400";
  options.patience = std::chrono::seconds(seconds);
  return {};
}

std::string take_pfctl(const std::string& value, Options& options) {
  options.pfctl = split_words(value);
  return options.pfctl.empty() ? "no command" : "";
}

std::string take_capture(const std::string& value, Options& options) {
  CaptureOption capture;
  if (!read_capture(value, capture)) return "not the name of an interface such as pflog0, nor nflog:GROUP[=in|out]";
  options.captures.push_back(std::move(capture));
  return {};
}

std::string take_pcap(const std::string& value, Options& options) {
  options.captures.push_back({value, std::nullopt, true});
  return {};
}

std::string take_interface(const std::string& value, Options& options) {
  options.interfaces.push_back(value);
  return {};
}

template <std::string Options::*member>
std::string take_text(const std::string& value, Options& options) {
  options.*member = value;
  return {};
}

/// An option with a value. What it returns is what is wrong with the value.
struct Known {
  const char* name;
  std::string (*take)(const std::string& value, Options& options);
};
const Known kKnown[] = {{"--table", take_table},
                        {"--bypass", take_bypass},
                        {"--patience", take_patience},
                        {"--pfctl", take_pfctl},
                        {"--capture", take_capture},
                        {"--pcap", take_pcap},
                        {"--interface", take_interface},
                        {"--user", take_text<&Options::user>},
                        {"--socket", take_text<&Options::socket>},
                        {"--owner", take_text<&Options::owner>}};

std::string wrong_together(const Options& options) {
  const bool changes = !options.tables.empty() || !options.bypass.empty();
  if (!options.captures.empty() && changes) return "--capture beside tables: run two helpers, each with one privilege";
  if (options.captures.empty() && options.tables.empty()) return "no --table and no --capture";
  if (options.captures.empty() && !options.interfaces.empty()) return "--interface is for --capture";
  if (options.tables.size() > 32) return "more than 32 tables";
  return {};
}

}  // namespace

std::string usage() {
  return "usage: deferd-helper --table NAME=KIND:PLACE ... [--bypass KIND:PLACE] [OPTION ...]\n"
         "       deferd-helper --capture DEVICE ... [--interface NAME ...] [OPTION ...]\n"
         "\n"
         "Changes tables of the packet filter as deferd says, or tells deferd of connections that it let through.\n"
         "\n"
         "  --table NAME=KIND:PLACE  a table that deferd may change: NAME is deferd's, KIND:PLACE the packet filter's\n"
         "             pf:[ANCHOR/]TABLE  pfctl:[ANCHOR/]TABLE  nft:FAMILY/TABLE/SET4[,SET6[,PREFIXES4[,PREFIXES6]]]\n"
         "             file:PATH  program:PATH\n"
         "  --bypass KIND:PLACE      the table that lets everybody pass when deferd gives no sign of life\n"
         "  --patience SECONDS       for so long (60)\n"
         "  --pfctl COMMAND          how pfctl is started (pfctl)\n"
         "  --capture DEVICE         pflog0, or nflog:GROUP[=in|out] for a group of NFLOG (with rules of one direction)\n"
         "  --pcap FILE              a capture file, read to its end, in place of a device\n"
         "  --interface NAME         only connections on this interface; may be repeated\n"
         "  --socket PATH            listen on a Unix socket\n"
         "  --owner NAME             who may connect to it: it is his, mode 0600\n"
         "  --stdio                  speak on standard input and output (the default)\n"
         "  --user NAME              become this user once all is open\n"
         "  --check                  say of each table or device whether it can be used, and end with 1 if one cannot\n"
         "  -h,--help                this\n";
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
    const auto* known = std::find_if(std::begin(kKnown), std::end(kKnown), [&](const Known& one) { return word == one.name; });
    if (known == std::end(kKnown)) {
      error = "unknown option " + word;
    } else if (at + 1 == words.size()) {
      error = word + " needs a value";
    } else {
      const std::string& value = words[++at];
      if (const auto wrong = known->take(value, options); !wrong.empty()) error = word + ' ' + value + ": " + wrong;
    }
    if (!error.empty()) return options;
  }
  error = wrong_together(options);
  return options;
}

}  // namespace deferd::bridge
