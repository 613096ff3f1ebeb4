#include "config.h"

#include <algorithm>

#include "config_port_address.h"
#include "deferd/list_message.h"
#include "plan.h"
#include "pushed.h"

namespace deferd::blacklist {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kLongestName = 64;
constexpr std::size_t kLongestTag = 100;
constexpr std::size_t kLongestReplyLine = 400;  // RFC 5321 section 4.5.3.1.5: 512 with code and line end
constexpr long kMostReplyLines = 20;

Mark mark_of(const Value& map, std::string_view key) {
  const Value* value = map.find(key);
  return value != nullptr ? value->mark() : map.mark();
}

bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= kLongestName && text.front() != '.' && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

bool is_word(const std::string& text) {
  return !text.empty() && text.size() <= kLongestTag &&
         std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; });
}

std::string wrong_message(const std::string& message) {
  const auto text = list_message(message, Address());
  if (text.empty()) return "is empty";
  std::size_t length = 0;
  for (const char c : text) {
    length = c == '\n' ? 0 : length + 1;
    if (length > kLongestReplyLine) return "has a line that is too long: at most 400 bytes";
    if (c != '\n' && (static_cast<unsigned char>(c) < ' ' || c == '\x7f')) return "has control characters; \\n is a line break";
  }
  return std::count(text.begin(), text.end(), '\n') < kMostReplyLines ? "" : "has too many lines: at most 20";
}

std::string wrong_url(const std::string& url) {
  for (const std::string_view scheme : {"https://", "http://", "ftp://"})
    if (url.starts_with(scheme) && url.size() > scheme.size()) return {};
  return "must begin with https://, http:// or ftp://";
}

class ListCheck {
 public:
  ListCheck(const ListConfig& list, const Value& value, const std::string& path, Problems& problems)
      : list_(list), value_(value), path_(path), problems_(problems) {}

  void run() {
    if (list_.name.starts_with(kPushedPrefix))
      error("name", "must not begin with 'port.': so do copies of the configuration port");
    if (!is_name(list_.name)) error("name", "must be letters, digits and - _ . of at most 64 bytes");
    const int sources = !list_.file.empty() + !list_.url.empty() + !list_.exec.empty() + !list_.entries.empty();
    if (sources != 1) problems_.error(value_.mark(), path_, "needs one of 'file', 'url', 'exec' and 'entries'");
    if (!list_.url.empty())
      if (auto wrong = wrong_url(list_.url); !wrong.empty()) error("url", wrong);
    if (!list_.exec.empty() && list_.exec.front().empty()) error("exec", "the first word is the program");
    entries();
    if (auto wrong = wrong_message(list_.message); !wrong.empty()) error("message", wrong);
    for (const auto& tag : list_.tags)
      if (!is_word(tag)) error("tags", "'" + tag + "': a tag is a word of at most 100 bytes without blanks");
    if (list_.every && (*list_.every < 1min || *list_.every > 30 * 24h)) error("every", "must be within 1m to 30d");
    const auto every = list_.every.value_or(usual_every(list_.file.empty() ? SourceSpec::Kind::url : SourceSpec::Kind::file));
    if (list_.entries.empty() && list_.max_age != 0s && list_.max_age < 2 * every)  // or one failure would empty it
      error("max_age", "must be at least twice 'every', which is " + format_duration(every));
    if (list_.min_entries > list_.max_entries) error("min_entries", "must be at most 'max_entries'");
    const bool hex = list_.sha256.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
    if (!list_.sha256.empty() && (!hex || list_.sha256.size() != 64)) error("sha256", "must be 64 hex digits");
    for (const char* key : {"action", "message", "tags"})
      if (list_.white && value_.find(key) != nullptr) error(key, "has no use for a white list");
    if (!list_.white && !list_.only.empty()) error("only", "has use for a white list only");
  }

 private:
  void error(const char* key, std::string what) {
    problems_.error(mark_of(value_, key), detail::join_path(path_, key), std::move(what));
  }

  void entries() {
    for (std::size_t i = 0; i < list_.entries.size(); ++i) {
      const auto mark = value_.find("entries")->items()[i].mark();
      const auto where = detail::join_path(path_, "entries");
      const auto line = parse_line(list_.entries[i], list_.format);
      if (!line)
        problems_.error(mark, where, detail::quote(list_.entries[i]) + " " + line.error().what);
      else if (!line->warning.empty())
        problems_.warning(mark, where, detail::quote(list_.entries[i]) + ": " + line->warning);
    }
  }

  const ListConfig& list_;
  const Value& value_;
  const std::string& path_;
  Problems& problems_;
};

/// Names stand for one list each, and `only` for lists that a white one can be subtracted from.
void check_names(const Config& config, const Value& value, const std::string& path, Problems& problems) {
  const auto find = [&](const std::string& name) {
    return std::find_if(config.lists.begin(), config.lists.end(), [&](const auto& list) { return list.name == name; });
  };
  for (std::size_t i = 0; i < config.lists.size(); ++i) {
    const auto& list = config.lists[i];
    const Value& place = value.find("lists")->items()[i];
    const auto where = detail::join_path(path, "lists[" + std::to_string(i) + "]");
    if (find(list.name) != config.lists.begin() + static_cast<std::ptrdiff_t>(i))
      problems.error(mark_of(place, "name"), detail::join_path(where, "name"), "there is another list '" + list.name + "'");
    for (const auto& name : list.only)
      if (const auto other = find(name); other == config.lists.end() || other->white)
        problems.error(mark_of(place, "only"), detail::join_path(where, "only"),
                       "'" + name + "' is no list that it could be subtracted from");
  }
}

void check_config(const Config& config, const Value& value, const std::string& path, Problems& problems) {
  check_names(config, value, path, problems);
  if (!config.config_port.empty())
    if (const auto address = PortAddress::parse(config.config_port); !address)
      problems.error(mark_of(value, "config_port"), detail::join_path(path, "config_port"), address.error().what);
  if (config.keep.find('/') != 0)
    problems.error(mark_of(value, "keep"), detail::join_path(path, "keep"), "must be an absolute path");
  std::vector<std::string> errors;
  make_plan(config, errors);
  for (auto& error : errors)
    problems.error(mark_of(value, "spamd_conf"), detail::join_path(path, "spamd_conf"), std::move(error));
  if (config.lists.empty() && config.spamd_conf.empty() && config.config_port.empty())
    problems.warning(value.mark(), path, "has no lists");
}

}  // namespace

Schema<ListConfig> ListConfig::schema() {
  return Schema<ListConfig>{}
      .required("name", &ListConfig::name, "For logs, metrics and `deferctl lists`; clients never hear it.")
      .field("file", &ListConfig::file, "A local file; read again when it changes.")
      .field("url", &ListConfig::url, "https, http or ftp; servers of https must be certified.")
      .field("exec", &ListConfig::exec,
             "A program and its arguments, whose output is the list; run without a shell, never as root.")
      .field("entries", &ListConfig::entries, "The list itself.")
      .field("format", &ListConfig::format, "How lines are read.")
      .field("white", &ListConfig::white, "Its addresses are taken out of the other lists.")
      .field("only", &ListConfig::only, "A white list is taken out of these lists only.")
      .field("action", &ListConfig::action, "What becomes of who is on it: 450, 550, tags alone, or let in.")
      .field("message", &ListConfig::message, "What a client on it hears; %A is its address, \\n a line break.")
      .field("tags", &ListConfig::tags, "More tags for who is on it.")
      .field("every", &ListConfig::every, "How often it is looked at, 1m to 30d; 1h unless given, a file 1m.")
      .field("max_age", &ListConfig::max_age, 0s, 366 * 24h,
             "Not used any more when it could not be fetched for so long; 0 is for ever.")
      .field("timeout", &ListConfig::timeout, 1s, 1h, "A fetch ends after so long, and with it the reading of what comes.")
      .field("min_entries", &ListConfig::min_entries, 0u, 100'000'000u, "With fewer entries the former list stays.")
      .field("max_entries", &ListConfig::max_entries, 1u, 100'000'000u,
             "With more entries, or prefixes that its ranges make, the former list stays.")
      .field("max_mib", &ListConfig::max_mib, 1u, 4096u, "With more MiB, packed or unpacked, the former list stays.")
      .field("max_ipv4", &ListConfig::max_ipv4, 0u, 1ull << 32, "With more IPv4 addresses in it the former list stays.")
      .field("max_ipv6", &ListConfig::max_ipv6, "With more IPv6 networks (/64) in it the former list stays.")
      .field("sha256", &ListConfig::sha256, "What is fetched must have this checksum.")
      .check([](const ListConfig& list, const Value& value, const std::string& path, Problems& problems) {
        ListCheck(list, value, path, problems).run();
      });
}

Schema<Config> Config::schema() {
  return Schema<Config>{}
      .field("lists", &Config::lists, "The lists, in the order in which their messages are told; the first decides what happens.")
      .field("spamd_conf", &Config::spamd_conf, "spamd.conf(5) as it is; its lists come behind those of `lists`.")
      .field("config_port", &Config::config_port, "Take lists from spamd-setup(8) here: 127.0.0.1:8026. Empty: no.")
      .field("action", &Config::action, "What becomes of who is on a list of spamd_conf or config_port.")
      .field("keep", &Config::keep, "Folder for the last good copies of lists that come from elsewhere.")
      .field("ca_file", &Config::ca_file, "Who may certify servers of https; empty: whom the system trusts.")
      .check(check_config);
}

}  // namespace deferd::blacklist
