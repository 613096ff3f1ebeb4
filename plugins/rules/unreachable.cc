#include "unreachable.h"

#include <algorithm>
#include <string_view>

#include "deferd/ascii.h"

namespace deferd::rules {
namespace {

bool below(std::string_view name, std::string_view domain) {
  return name.size() > domain.size() && name.ends_with(domain) && name[name.size() - domain.size() - 1] == '.';
}

/// A domain as it is compared: `.example.org` for `*.example.org`, no dot at the end.
std::string domain(std::string_view text) {
  if (text.starts_with("*.")) text.remove_prefix(1);
  if (text.ends_with('.')) text.remove_suffix(1);
  return lower(text);
}

bool domain_covers(std::string_view wide_text, std::string_view narrow_text) {
  const std::string wide = domain(wide_text), narrow = domain(narrow_text);
  if (wide == narrow) return true;
  if (wide.starts_with('.')) return narrow.ends_with(wide);
  return below(narrow, wide);
}

bool is_expression(std::string_view text) { return text.starts_with('/'); }

bool covers_one(const NameEntry& wide, const NameEntry& narrow) {
  if (is_expression(wide.text) || is_expression(narrow.text)) return wide.text == narrow.text;
  return domain_covers(wide.text, narrow.text);
}

bool covers_one(const MailEntry& wide_entry, const MailEntry& narrow_entry) {
  if (is_expression(wide_entry.text) || is_expression(narrow_entry.text)) return wide_entry.text == narrow_entry.text;
  const std::string wide = lower(wide_entry.text), narrow = lower(narrow_entry.text);
  if (wide == narrow) return true;
  if (wide == "<>" || narrow == "<>") return false;

  const auto wide_at = wide.rfind('@'), narrow_at = narrow.rfind('@');
  const auto part = [](const std::string& text, std::size_t at) { return std::string_view(text).substr(at + 1); };
  if (wide_at == std::string::npos) {
    const auto name = narrow_at == std::string::npos ? std::string_view(narrow) : part(narrow, narrow_at);
    return !name.empty() && domain_covers(wide, name);
  }
  if (narrow_at == std::string::npos) return false;
  const auto wide_user = std::string_view(wide).substr(0, wide_at), narrow_user = std::string_view(narrow).substr(0, narrow_at);
  const bool user = wide_user.empty() || wide_user == narrow_user || wide_user == narrow_user.substr(0, narrow_user.find('+'));
  const auto wide_domain = part(wide, wide_at);
  return user && (wide_domain.empty() || domain(wide_domain) == domain(part(narrow, narrow_at)));
}

bool covers_one(const Prefix& wide, const Prefix& narrow) { return wide.contains(narrow); }
bool covers_one(const std::string& wide, const std::string& narrow) { return wide == narrow; }

template <class T>
bool given(const std::vector<T>& values) {
  return !values.empty();
}
template <class T>
bool given(const std::optional<T>& value) {
  return value.has_value();
}

template <class T>
bool contains(const std::vector<T>& wide, const std::vector<T>& narrow) {
  return std::all_of(narrow.begin(), narrow.end(), [&](const T& value) {
    return std::any_of(wide.begin(), wide.end(), [&](const T& have) { return covers_one(have, value); });
  });
}

bool contains(const std::vector<TimeWindow>& wide, const std::vector<TimeWindow>& narrow) {
  const auto within = [](const std::vector<TimeWindow>& windows, LocalMinute minute) {
    return std::any_of(windows.begin(), windows.end(), [&](const TimeWindow& window) { return window.contains(minute); });
  };
  for (int day = 0; day < 7; ++day)
    for (int minute = 0; minute < 24 * 60; ++minute)
      if (within(narrow, {day, minute}) && !within(wide, {day, minute})) return false;
  return true;
}

bool contains(const std::optional<Tls>& wide, const std::optional<Tls>& narrow) {
  return wide == narrow || (wide == Tls::yes && narrow == Tls::verified);
}
bool contains(const std::optional<bool>& wide, const std::optional<bool>& narrow) { return wide == narrow; }

/// One kind of condition: whether it is asked for, and whether one asking asks for all of another's.
struct Aspect {
  bool (*given)(const Conditions&);
  bool (*contains)(const Conditions& wide, const Conditions& narrow);
};

template <auto member>
constexpr Aspect aspect() {
  return {[](const Conditions& c) { return given(c.*member); },
          [](const Conditions& wide, const Conditions& narrow) { return contains(wide.*member, narrow.*member); }};
}

constexpr Aspect kAspects[] = {
    aspect<&Conditions::client>(), aspect<&Conditions::client_list>(), aspect<&Conditions::client_name>(),
    aspect<&Conditions::helo>(),   aspect<&Conditions::from>(),        aspect<&Conditions::from_list>(),
    aspect<&Conditions::to>(),     aspect<&Conditions::to_list>(),     aspect<&Conditions::tls>(),
    aspect<&Conditions::auth>(),   aspect<&Conditions::tagged>(),      aspect<&Conditions::time>(),
};

/// Whatever `exceptions` takes away, `others` takes away too.
bool excepts_no_more(const std::optional<Conditions>& exceptions, const std::optional<Conditions>& others) {
  return !exceptions || std::all_of(std::begin(kAspects), std::end(kAspects), [&](const Aspect& a) {
    return !a.given(*exceptions) || (others && a.given(*others) && a.contains(*others, *exceptions));
  });
}

bool defeats_itself(const RuleConfig& rule) {
  return rule.unless && std::any_of(std::begin(kAspects), std::end(kAspects), [&](const Aspect& a) {
           return a.given(*rule.unless) && a.given(rule) && a.contains(*rule.unless, rule);
         });
}

}  // namespace

bool covers(const Conditions& wide, const Conditions& narrow) {
  return std::all_of(std::begin(kAspects), std::end(kAspects),
                     [&](const Aspect& a) { return !a.given(wide) || (a.given(narrow) && a.contains(wide, narrow)); });
}

void report_unreachable(const std::vector<RuleConfig>& rules, const std::string& path, Problems& problems) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto where = path + "[" + std::to_string(i) + "]";
    if (defeats_itself(rules[i])) {
      problems.warning(rules[i].mark, where, "can never match: 'unless' takes away all that the rule asks for");
      continue;
    }
    for (std::size_t j = 0; j < i; ++j)
      if (rules[j].stops() && covers(rules[j], rules[i]) && excepts_no_more(rules[j].unless, rules[i].unless)) {
        problems.warning(rules[i].mark, where, "can never match: " + title(rules[j], j) + " above it matches all of that");
        break;
      }
  }
}

}  // namespace deferd::rules
