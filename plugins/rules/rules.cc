#include "rules.h"

#include <algorithm>
#include <map>
#include <memory>

#include "deferd/matchlist.h"

namespace deferd::rules {
namespace {

using Checks = std::vector<Matcher::Check>;

template <class List>
using Loaded = std::vector<std::shared_ptr<const List>>;

/// The lists of a configuration by name, each file of them.
struct Lists {
  std::map<std::string, Loaded<HostList>> clients;
  std::map<std::string, Loaded<MailList>> mail;
};

Lists load(const Config& config) {
  Lists lists;
  std::vector<std::string> errors;
  for (const auto& [name, list] : config.lists) {
    for (const auto& file : list.clients) lists.clients[name].push_back(load_list<HostList>(file, errors));
    for (const auto& file : list.mail) lists.mail[name].push_back(load_list<MailList>(file, errors));
  }
  if (!errors.empty()) throw ErrorException({Errc::invalid, errors.front()});
  return lists;
}

template <class List>
Loaded<List> pick(const std::map<std::string, Loaded<List>>& lists, const std::vector<std::string>& names) {
  Loaded<List> picked;
  for (const auto& name : names) {
    const auto found = lists.find(name);
    if (found == lists.end()) throw ErrorException({Errc::not_found, "unknown list '" + name + "'"});
    picked.insert(picked.end(), found->second.begin(), found->second.end());
  }
  return picked;
}

template <class List, class Entry>
List list_of(const std::vector<Entry>& entries) {
  List list;
  for (const auto& entry : entries) or_throw(list.add(entry.text));
  return list;
}

/// Asks `lists` about what `subject` takes from the question.
template <class List, class Subject>
void add_lists(Checks& checks, Loaded<List> lists, Subject subject) {
  if (lists.empty()) return;
  checks.push_back([lists = std::move(lists), subject](const Question& q) {
    return std::any_of(lists.begin(), lists.end(), [&](const auto& list) { return list->find(subject(q)).has_value(); });
  });
}

template <class List, class Entry, class Subject>
void add_entries(Checks& checks, const std::vector<Entry>& entries, Subject subject) {
  if (!entries.empty()) add_lists(checks, Loaded<List>{std::make_shared<List>(list_of<List>(entries))}, subject);
}

bool holds(Tls wanted, const Session& session) {
  switch (wanted) {
    case Tls::no:
      return !session.tls;
    case Tls::yes:
      return session.tls;
    case Tls::verified:
      return !session.tls_subject.empty();
  }
  return false;
}

bool tagged(const Question& q, const std::string& tag) {
  return q.session.tagged(tag) || std::find(q.tags.begin(), q.tags.end(), tag) != q.tags.end();
}

/// Cheap ones first: most rules fail at the first.
Matcher matcher(const Conditions& c, const Lists& lists) {
  Checks checks;
  const auto sender = [](const Question& q) -> std::string_view { return q.session.mail_from; };
  const auto recipient = [](const Question& q) -> std::string_view { return q.rcpt; };

  if (c.tls) checks.push_back([wanted = *c.tls](const Question& q) { return holds(wanted, q.session); });
  if (c.auth) checks.push_back([wanted = *c.auth](const Question& q) { return q.session.auth.empty() != wanted; });
  if (!c.time.empty())
    checks.push_back([windows = c.time](const Question& q) {
      return std::any_of(windows.begin(), windows.end(), [&](const auto& window) { return window.contains(q.now); });
    });
  if (!c.tagged.empty())
    checks.push_back([tags = c.tagged](const Question& q) {
      return std::any_of(tags.begin(), tags.end(), [&](const auto& tag) { return tagged(q, tag); });
    });
  if (!c.client.empty()) {
    auto prefixes = std::make_shared<PrefixList>();
    for (const auto& prefix : c.client) prefixes->add(prefix);
    checks.push_back([prefixes](const Question& q) { return prefixes->find(q.session.client).has_value(); });
  }
  add_entries<NameList>(checks, c.client_name, [](const Question& q) -> std::string_view { return q.session.client_name; });
  add_entries<NameList>(checks, c.helo, [](const Question& q) -> std::string_view { return q.session.helo; });
  add_entries<MailList>(checks, c.to, recipient);
  add_entries<MailList>(checks, c.from, sender);
  add_lists(checks, pick(lists.mail, c.to_list), recipient);
  add_lists(checks, pick(lists.mail, c.from_list), sender);
  if (auto clients = pick(lists.clients, c.client_list); !clients.empty())
    checks.push_back([clients = std::move(clients)](const Question& q) {
      return std::any_of(clients.begin(), clients.end(),
                         [&](const auto& list) { return list->find(q.session.client, q.session.client_name).has_value(); });
    });
  return Matcher(std::move(checks));
}

Reply reply_of(const RuleConfig& rule) {
  const bool reject = rule.action == Do::reject;
  const ReplyConfig given = rule.reply.value_or(ReplyConfig{});
  Reply reply;
  reply.code = given.code.value_or(reject ? 550 : 451);
  reply.enhanced = !given.enhanced.empty() ? given.enhanced : reject ? "5.7.1" : "4.7.1";
  reply.text = !given.text.empty() ? given.text : reject ? "Not accepted" : "Please try again later";
  return reply;
}

}  // namespace

bool Matcher::all(const Question& question) const {
  return std::all_of(checks_.begin(), checks_.end(), [&](const Check& check) { return check(question); });
}

bool Matcher::any(const Question& question) const {
  return std::any_of(checks_.begin(), checks_.end(), [&](const Check& check) { return check(question); });
}

Rules::Rules(const Config& config, Host& host) {
  const Lists lists = load(config);
  for (std::size_t i = 0; i < config.rules.size(); ++i) {
    const auto& rule = config.rules[i];
    asks_time_ = asks_time_ || !rule.time.empty() || (rule.unless && !rule.unless->time.empty());
    const std::string label = rule.name.empty() ? std::to_string(i + 1) : rule.name;
    rules_.push_back({title(rule, i), matcher(rule, lists), matcher(rule.unless.value_or(Conditions{}), lists), rule.action,
                      reply_of(rule), rule.tags, rule.set,
                      &host.counter("deferd_rules_matched_total", {{"rule", label}}, "Recipients that a rule matched.")});
  }
}

void Rules::give_tags(const Rule& rule, std::vector<std::string>& tags) {
  tags.insert(tags.end(), rule.tags.begin(), rule.tags.end());
  for (const auto& [name, value] : rule.set) {
    const auto start = name + "=";
    const bool set = std::any_of(tags.begin(), tags.end(), [&](const auto& tag) { return tag.starts_with(start); });
    if (!set) tags.push_back(start + value);  // of several rules the first counts, here too
  }
}

Verdict Rules::on_rcpt(Context& context, const std::string& rcpt) {
  std::vector<std::string> tags;
  std::string passing;
  const Question question{context.session(), rcpt, tags, asks_time_ ? local_minute(context.clock().now()) : LocalMinute{}};
  for (const auto& rule : rules_) {
    if (!rule.when.all(question) || rule.unless.any(question)) continue;
    if (!context.dry()) rule.matched->add();
    give_tags(rule, tags);

    Verdict verdict;
    if (rule.action == Do::accept) verdict = Verdict::accept(rule.title);
    if (rule.action == Do::defer) verdict = Verdict::defer(rule.reply, rule.title);
    if (rule.action == Do::reject) verdict = Verdict::reject(rule.reply, rule.title);
    if (verdict.action != Action::pass) {
      verdict.tags = std::move(tags);
      return verdict;
    }
    passing += (passing.empty() ? "" : ", ") + rule.title;
    if (rule.action == Do::pass) break;
  }
  Verdict verdict = Verdict::pass(std::move(passing));
  verdict.tags = std::move(tags);
  return verdict;
}

}  // namespace deferd::rules
