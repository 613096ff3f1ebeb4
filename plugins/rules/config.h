// What an operator writes under `rules`.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "deferd/address.h"
#include "deferd/schema.h"
#include "time_window.h"

namespace deferd::rules {

enum class Do : std::uint8_t { accept, defer, reject, pass, tag, set };
enum class Tls : std::uint8_t { no, yes, verified };

/// An entry of a NameList.
struct NameEntry {
  std::string text;
};

/// An entry of a MailList.
struct MailEntry {
  std::string text;
};

/// Files of one kind, as one list.
struct ListConfig {
  Mark mark;
  std::vector<std::string> clients;
  std::vector<std::string> mail;
  static Schema<ListConfig> schema();
};

/// Each that is given must hold; it holds if any of its values does.
struct Conditions {
  Mark mark;
  std::vector<Prefix> client;
  std::vector<std::string> client_list;
  std::vector<NameEntry> client_name;
  std::vector<NameEntry> helo;
  std::vector<MailEntry> from;
  std::vector<std::string> from_list;
  std::vector<MailEntry> to;
  std::vector<std::string> to_list;
  std::optional<Tls> tls;
  std::optional<bool> auth;
  std::vector<std::string> tagged;
  std::vector<TimeWindow> time;
  static Schema<Conditions> schema();
};

struct ReplyConfig {
  std::optional<int> code;
  std::string enhanced;
  std::string text;
  static Schema<ReplyConfig> schema();
};

struct RuleConfig : Conditions {
  std::string name;
  Do action = Do::pass;
  std::optional<Conditions> unless;
  std::optional<ReplyConfig> reply;
  std::vector<std::string> tags;
  std::vector<std::pair<std::string, std::string>> set;
  static Schema<RuleConfig> schema();

  bool stops() const { return action != Do::tag && action != Do::set; }
};

struct Config {
  std::vector<std::pair<std::string, ListConfig>> lists;
  std::vector<RuleConfig> rules;
  static Schema<Config> schema();
};

/// How the rule at `index` is called in reasons and problems: "rule 'postmaster' (line 12)", "rule 3 (line 20)".
std::string title(const RuleConfig& rule, std::size_t index);

}  // namespace deferd::rules

template <>
struct deferd::Choices<deferd::rules::Do> {
  using Do = rules::Do;
  static constexpr std::pair<std::string_view, Do> values[] = {{"accept", Do::accept}, {"defer", Do::defer},
                                                               {"reject", Do::reject}, {"pass", Do::pass},
                                                               {"tag", Do::tag},       {"set", Do::set}};
};
template <>
struct deferd::Choices<deferd::rules::Tls> {
  static constexpr std::pair<std::string_view, rules::Tls> values[] = {
      {"no", rules::Tls::no}, {"yes", rules::Tls::yes}, {"verified", rules::Tls::verified}};
};
template <>
struct deferd::Codec<deferd::rules::NameEntry> {
  static std::string type() { return "domain or /expression/"; }
  static Result<rules::NameEntry> parse(std::string_view text);
  static std::string print(const rules::NameEntry& entry) { return entry.text; }
};
template <>
struct deferd::Codec<deferd::rules::MailEntry> {
  static std::string type() { return "mail address, domain or /expression/"; }
  static Result<rules::MailEntry> parse(std::string_view text);
  static std::string print(const rules::MailEntry& entry) { return entry.text; }
};
