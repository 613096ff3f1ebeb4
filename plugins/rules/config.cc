#include "config.h"

#include <algorithm>

#include "deferd/matchlist.h"
#include "unreachable.h"

namespace deferd {

Result<rules::NameEntry> Codec<rules::NameEntry>::parse(std::string_view text) {
  if (auto added = NameList().add(text); !added) return tl::unexpected(added.error());
  return rules::NameEntry{std::string(text)};
}

Result<rules::MailEntry> Codec<rules::MailEntry>::parse(std::string_view text) {
  if (auto added = MailList().add(text); !added) return tl::unexpected(added.error());
  return rules::MailEntry{std::string(text)};
}

}  // namespace deferd

namespace deferd::rules {
namespace {

constexpr std::size_t kMaxTag = 100;
constexpr std::size_t kMaxReplyLine = 400;  // RFC 5321 section 4.5.3.1.5: 512 with code and line end
constexpr std::size_t kMaxReplyLines = 20;

Mark mark_of(const Value& map, std::string_view key) {
  const Value* value = map.find(key);
  return value != nullptr ? value->mark() : map.mark();
}

/// What is given but says nothing: `to: []` must not turn a rule into one for everybody.
void check_empty(const Value& value, const std::string& path, Problems& problems) {
  for (std::size_t i = 0; i < value.size(); ++i) {
    const Value& item = value.items()[i];
    if (item.is_null() || ((item.is_list() || item.is_map()) && item.size() == 0))
      problems.error(item.mark().line != 0 ? item.mark() : value.key_mark(i), detail::join_path(path, value.key(i)),
                     "is empty: leave it out, or say what shall match");
  }
}

bool printable(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; });
}

void check_tags(const RuleConfig& rule, const Value& value, const std::string& path, Problems& problems) {
  for (const auto& tag : rule.tags)
    if (tag.empty() || tag.size() > kMaxTag || !printable(tag))
      problems.error(mark_of(value, "tags"), detail::join_path(path, "tags"),
                     "'" + tag + "': a tag is a word of at most 100 bytes without blanks");
  for (const auto& [key, parameter] : rule.set)
    if (key.empty() || key.find('=') != std::string::npos || key.size() + parameter.size() >= kMaxTag ||
        !printable(key + parameter))
      problems.error(mark_of(value, "set"), detail::join_path(path, "set"),
                     "'" + key + "': a parameter is NAME: VALUE, both words without blanks, at most 100 bytes together");
  if (rule.action == Do::tag && rule.tags.empty()) problems.error(value.mark(), path, "'do: tag' needs 'tags'");
  if (rule.action == Do::set && rule.set.empty()) problems.error(value.mark(), path, "'do: set' needs 'set'");
}

/// `5.7.1` of the class of `code`: RFC 3463 section 2.
bool fits(std::string_view enhanced, int code) {
  std::size_t digits = 0, dots = 0;
  for (const char c : enhanced) {
    if (c == '.') {
      if (digits == 0) return false;
      ++dots;
      digits = 0;
    } else if (c < '0' || c > '9' || ++digits > 3) {
      return false;
    }
  }
  return dots == 2 && digits > 0 && enhanced[0] - '0' == code / 100 && enhanced[1] == '.';
}

void check_text(const std::string& text, Mark mark, const std::string& path, Problems& problems) {
  std::size_t lines = 1, length = 0;
  for (const char c : text) {
    length = c == '\n' ? 0 : length + 1;
    lines += c == '\n' ? 1 : 0;
    if (length > kMaxReplyLine || lines > kMaxReplyLines)
      return problems.error(mark, path, "is too long: at most 20 lines of 400 bytes");
    if (c != '\n' && (static_cast<unsigned char>(c) < ' ' || c == '\x7f'))
      return problems.error(mark, path, "has control characters");
  }
}

void check_reply(const RuleConfig& rule, const Value& value, const std::string& path, Problems& problems) {
  if (!rule.reply) return;
  const Value& reply = *value.find("reply");
  const auto where = detail::join_path(path, "reply");
  if (rule.action != Do::defer && rule.action != Do::reject)
    return problems.error(reply.mark(), where, "has no use: only 'do: defer' and 'do: reject' reply");
  const int family = rule.action == Do::defer ? 4 : 5;
  const std::string meant = rule.action == Do::defer ? "a deferral is 400 to 499" : "a rejection is 500 to 599";
  if (rule.reply->code && (*rule.reply->code / 100 != family || *rule.reply->code == 421))
    problems.error(mark_of(reply, "code"), where + ".code", meant + (family == 4 ? ", but not 421, which hangs up" : ""));
  if (!rule.reply->enhanced.empty() && !fits(rule.reply->enhanced, family * 100))
    problems.error(mark_of(reply, "enhanced"), where + ".enhanced",
                   "must be an enhanced status code such as " + std::to_string(family) + ".7.1");
  check_text(rule.reply->text, mark_of(reply, "text"), where + ".text", problems);
}

/// A rule's references to lists: known, and of the kind it takes.
class References {
 public:
  References(const Config& config, Problems& problems) : config_(config), problems_(problems), used_(config.lists.size(), false) {
    for (const auto& [name, list] : config.lists) names_.push_back(name);
  }

  void check(const Conditions& conditions, const Value& value, const std::string& path) {
    check(conditions.client_list, true, value.find("client_list"), detail::join_path(path, "client_list"));
    check(conditions.from_list, false, value.find("from_list"), detail::join_path(path, "from_list"));
    check(conditions.to_list, false, value.find("to_list"), detail::join_path(path, "to_list"));
  }

  bool used(std::size_t index) const { return used_[index]; }

 private:
  void check(const std::vector<std::string>& lists, bool clients, const Value* value, const std::string& path) {
    for (std::size_t i = 0; i < lists.size(); ++i) {
      const auto mark = value->items()[i].mark();
      const auto found = std::find(names_.begin(), names_.end(), lists[i]);
      if (found == names_.end()) {
        const auto hint = detail::unknown_key(lists[i], names_);
        problems_.error(mark, path, "unknown list" + hint.substr(hint.find(" '")));
        continue;
      }
      const auto index = static_cast<std::size_t>(found - names_.begin());
      used_[index] = true;
      const auto& list = config_.lists[index].second;
      if ((clients ? list.clients : list.mail).empty())
        problems_.error(mark, path,
                        "list '" + lists[i] + "' is one of " +
                            (clients ? "mail addresses, not of clients" : "clients, not of mail addresses"));
    }
  }

  const Config& config_;
  Problems& problems_;
  std::vector<std::string_view> names_;
  std::vector<bool> used_;
};

template <class List>
void check_files(const std::vector<std::string>& files, const Value& value, const std::string& path, Problems& problems) {
  std::size_t entries = 0, before = problems.list().size();
  for (std::size_t i = 0; i < files.size(); ++i) {
    std::vector<std::string> errors;
    entries += load_list<List>(files[i], errors)->size();
    for (auto& error : errors) problems.error(value.items()[i].mark(), path, std::move(error));
  }
  if (entries == 0 && problems.list().size() == before)
    problems.warning(value.mark(), path, "has no entries: rules that ask for it can never match");
}

void check_config(const Config& config, const Value& value, const std::string& path, Problems& problems) {
  References references(config, problems);
  for (std::size_t i = 0; i < config.rules.size(); ++i) {
    const auto& rule = config.rules[i];
    const auto where = detail::join_path(path, "rules[" + std::to_string(i) + "]");
    const Value& place = value.find("rules")->items()[i];
    references.check(rule, place, where);
    if (rule.unless) references.check(*rule.unless, *place.find("unless"), detail::join_path(where, "unless"));
    for (std::size_t j = 0; j < i && !rule.name.empty(); ++j)
      if (config.rules[j].name == rule.name)
        problems.error(mark_of(place, "name"), detail::join_path(where, "name"),
                       "the rule in line " + std::to_string(config.rules[j].mark.line) + " has the same name");
  }
  for (std::size_t i = 0; i < config.lists.size(); ++i) {
    const auto& [name, list] = config.lists[i];
    const Value& place = value.find("lists")->items()[i];
    const auto where = detail::join_path(path, "lists." + name);
    if (!list.clients.empty()) check_files<HostList>(list.clients, *place.find("clients"), where + ".clients", problems);
    if (!list.mail.empty()) check_files<MailList>(list.mail, *place.find("mail"), where + ".mail", problems);
    if (!references.used(i)) problems.warning(place.mark(), where, "no rule asks for this list");
  }
  report_unreachable(config.rules, detail::join_path(path, "rules"), problems);
}

/// The conditions' own rows, in a rule and under its `unless`.
template <class T>
Schema<T> with_conditions(Schema<T> schema) {
  const auto of = []<class M>(M Conditions::*member) -> M T::* { return member; };
  return std::move(schema)
      .field("client", of(&Conditions::client), "The client's address is within one of these.")
      .field("client_list", of(&Conditions::client_list), "The client is in one of these lists of clients.")
      .field("client_name", of(&Conditions::client_name), "The client's name, as the MTA has verified it.")
      .field("helo", of(&Conditions::helo), "What the client says at HELO.")
      .field("from", of(&Conditions::from), "The sender; <> is the null sender.")
      .field("from_list", of(&Conditions::from_list), "The sender is in one of these lists of mail addresses.")
      .field("to", of(&Conditions::to), "The recipient.")
      .field("to_list", of(&Conditions::to_list), "The recipient is in one of these lists of mail addresses.")
      .field("tls", of(&Conditions::tls), "Not encrypted, encrypted, or with a client certificate that the MTA has verified.")
      .field("auth", of(&Conditions::auth), "Whether the client has logged in.")
      .field("tagged", of(&Conditions::tagged), "A tag that a front end, a plugin asked earlier or a rule above has left.")
      .field("time", of(&Conditions::time), "The time of day, in the system's time zone.")
      .check(
          [](const T&, const Value& value, const std::string& path, Problems& problems) { check_empty(value, path, problems); });
}

}  // namespace

std::string title(const RuleConfig& rule, std::size_t index) {
  const std::string name = rule.name.empty() ? std::to_string(index + 1) : "'" + rule.name + "'";
  return "rule " + name + (rule.mark.line == 0 ? "" : " (line " + std::to_string(rule.mark.line) + ")");
}

Schema<ListConfig> ListConfig::schema() {
  return Schema<ListConfig>{}
      .field("clients", &ListConfig::clients,
             "Files of clients: addresses, prefixes, names; postgrey's client whitelist as it is.")
      .field("mail", &ListConfig::mail, "Files of mail addresses and domains; postgrey's recipient whitelist as it is.")
      .rule([](const ListConfig& list) {
        return list.clients.empty() == list.mail.empty() ? "needs either 'clients' or 'mail', with at least one file" : "";
      });
}

Schema<Conditions> Conditions::schema() { return with_conditions(Schema<Conditions>{}); }

Schema<ReplyConfig> ReplyConfig::schema() {
  return Schema<ReplyConfig>{}
      .field("code", &ReplyConfig::code, "SMTP reply code; 451 to defer, 550 to reject unless given.")
      .field("enhanced", &ReplyConfig::enhanced, "Enhanced status code; 4.7.1 or 5.7.1 unless given.")
      .field("text", &ReplyConfig::text, "What the client hears; it should name no list and no rule.");
}

Schema<RuleConfig> RuleConfig::schema() {
  return with_conditions(
             Schema<RuleConfig>{}
                 .field("name", &RuleConfig::name, "For logs, metrics and `deferctl explain`.")
                 .required("do", &RuleConfig::action, "accept, defer, reject and pass end the list; tag and set go on."))
      .field("unless", &RuleConfig::unless, "The rule does not match if any of these conditions holds.")
      .field("reply", &RuleConfig::reply, "What a deferred or rejected client hears.")
      .field("tags", &RuleConfig::tags, "Facts for later plugins, given when the rule matches.")
      .field("set", &RuleConfig::set, "Parameters of later plugins: each becomes the tag NAME=VALUE.")
      .check(check_tags)
      .check(check_reply);
}

Schema<Config> Config::schema() {
  return Schema<Config>{}
      .field("lists", &Config::lists, "Named lists, read from files at start and at reload.")
      .field("rules", &Config::rules, "The rules; the first that matches decides.")
      .check(check_config);
}

}  // namespace deferd::rules
