#include "ctl/spf_record.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "deferd/ascii.h"

namespace deferd::spf {
namespace {

constexpr std::string_view kVersion = "v=spf1";
constexpr std::size_t kLongestName = 253;

constexpr std::pair<std::string_view, Kind> kKinds[] = {
    {"all", Kind::all}, {"include", Kind::include}, {"a", Kind::a},     {"mx", Kind::mx},
    {"ptr", Kind::ptr}, {"ip4", Kind::ip4},         {"ip6", Kind::ip6}, {"exists", Kind::exists},
};

bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }

bool equal_folded(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<int> number(std::string_view digits, int most) {
  int value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool leading_zero = digits.size() > 1 && digits.front() == '0';
  if (error != std::errc() || end != digits.data() + digits.size() || leading_zero || value < 0 || value > most)
    return std::nullopt;
  return value;
}

/// The name of a modifier: section 4.6.1.
bool is_name(std::string_view text) {
  return !text.empty() && is_letter(text.front()) && std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '.';
  });
}

/// `%{...}` from its brace on; its length, or nothing.
std::optional<std::size_t> macro_length(std::string_view text) {
  constexpr std::string_view letters = "slodiphcrtv", delimiters = ".-+,/_=";
  std::size_t i = 1;
  if (text.size() < 3 || letters.find(lower(text[i++])) == letters.npos) return std::nullopt;
  while (i < text.size() && is_digit(text[i])) ++i;
  if (i < text.size() && lower(text[i]) == 'r') ++i;
  while (i < text.size() && delimiters.find(text[i]) != delimiters.npos) ++i;
  if (i == text.size() || text[i] != '}') return std::nullopt;
  return i + 1;
}

/// macro-string of section 7.1. `ends_in_macro` tells whether its last piece is a `%{...}`.
bool is_macro_string(std::string_view text, bool& ends_in_macro) {
  ends_in_macro = false;
  for (std::size_t i = 0; i < text.size();) {
    ends_in_macro = false;
    if (text[i] != '%') {
      if (text[i] < 0x21 || text[i] > 0x7e) return false;
      ++i;
      continue;
    }
    if (++i == text.size()) return false;
    if (text[i] == '{') {
      const auto length = macro_length(text.substr(i));
      if (!length) return false;
      i += *length;
      ends_in_macro = true;
    } else if (text[i] == '%' || text[i] == '_' || text[i] == '-') {
      ++i;
    } else {
      return false;
    }
  }
  return true;
}

/// domain-spec of section 7.1: ends in a macro, or in a label that is no number.
bool is_domain_spec(std::string_view text) {
  bool ends_in_macro = false;
  if (text.empty() || !is_macro_string(text, ends_in_macro)) return false;
  if (ends_in_macro) return true;
  if (!has_macro(text) && text.size() > kLongestName) return false;
  if (text.back() == '.') text.remove_suffix(1);
  const auto dot = text.rfind('.');
  if (dot == text.npos) return false;
  const auto label = text.substr(dot + 1);
  return !label.empty() && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '-'; }) &&
         !std::all_of(label.begin(), label.end(), is_digit);
}

/// Takes `/24`, `//64` or `/24//64` off the end: dual-cidr-length of section 5.3. False if what is there is none.
bool take_lengths(std::string_view& text, Mechanism& mechanism) {
  // In a macro a slash is a delimiter.
  const auto macro_end = text.rfind('}');
  const auto slash = text.find('/', macro_end == text.npos ? 0 : macro_end);
  if (slash == text.npos) return true;
  std::string_view lengths = text.substr(slash);
  text = text.substr(0, slash);
  if (const auto v6 = lengths.find("//"); v6 != lengths.npos) {
    const auto length = number(lengths.substr(v6 + 2), 128);
    if (!length) return false;
    mechanism.v6_length = *length;
    lengths = lengths.substr(0, v6);
  }
  if (lengths.empty()) return true;
  const auto length = number(lengths.substr(1), 32);
  if (!length) return false;
  mechanism.v4_length = *length;
  return true;
}

bool parse_network(std::string_view text, bool v4, Prefix& prefix) {
  const auto slash = text.find('/');
  const auto address_text = text.substr(0, slash);
  const auto address = Address::parse(address_text);
  if (!address || address_text.front() == '[' || (address_text.find(':') == address_text.npos) != v4) return false;
  const int bits = v4 ? 32 : 128;
  const auto length = slash == text.npos ? bits : number(text.substr(slash + 1), bits);
  if (!length) return false;
  prefix = Prefix(*address, *length);
  return true;
}

bool parse_mechanism(std::string_view term, Mechanism& mechanism) {
  mechanism.text = term;
  if (std::string_view("+-~?").find(term.front()) != std::string_view::npos) {
    mechanism.qualifier = term.front();
    term.remove_prefix(1);
  }
  const auto name_end = term.find_first_of(":/");
  const auto known = std::find_if(std::begin(kKinds), std::end(kKinds),
                                  [&](const auto& kind) { return equal_folded(kind.first, term.substr(0, name_end)); });
  if (known == std::end(kKinds)) return false;
  mechanism.kind = known->second;
  std::string_view rest = name_end == term.npos ? std::string_view() : term.substr(name_end);

  const bool sized = mechanism.kind == Kind::a || mechanism.kind == Kind::mx;
  const bool network = mechanism.kind == Kind::ip4 || mechanism.kind == Kind::ip6;
  if (mechanism.kind == Kind::all) return rest.empty();
  if (network)
    return rest.size() > 1 && rest.front() == ':' && parse_network(rest.substr(1), mechanism.kind == Kind::ip4, mechanism.prefix);
  if (sized && !take_lengths(rest, mechanism)) return false;
  if (rest.empty()) return sized || mechanism.kind == Kind::ptr;
  mechanism.domain = rest.substr(1);
  return rest.front() == ':' && is_domain_spec(mechanism.domain);
}

}  // namespace

bool is_spf(std::string_view text) {
  return text.size() >= kVersion.size() && equal_folded(text.substr(0, kVersion.size()), kVersion) &&
         (text.size() == kVersion.size() || text[kVersion.size()] == ' ');
}

Result<Record> parse(std::string_view text) {
  if (!is_spf(text)) return fail(Errc::invalid, "is no SPF record");
  text.remove_prefix(kVersion.size());
  Record record;
  bool redirected = false, explained = false;
  while (!text.empty()) {
    const auto start = text.find_first_not_of(' ');
    if (start == text.npos) break;
    text.remove_prefix(start);
    const auto term = text.substr(0, text.find(' '));
    text.remove_prefix(term.size());

    const auto equals = term.find('=');
    bool good = true;
    if (equals != term.npos && is_name(term.substr(0, equals))) {
      const auto name = term.substr(0, equals);
      const auto value = term.substr(equals + 1);
      bool ends_in_macro = false;
      if (equal_folded(name, "redirect")) {
        good = is_domain_spec(value) && !std::exchange(redirected, true);
        record.redirect = value;
      } else if (equal_folded(name, "exp")) {
        good = is_domain_spec(value) && !std::exchange(explained, true);
      } else {
        good = is_macro_string(value, ends_in_macro);
      }
    } else {
      good = parse_mechanism(term, record.mechanisms.emplace_back());
    }
    if (!good) return fail(Errc::invalid, std::string("'").append(term) + "' is no term of SPF");
  }
  return record;
}

}  // namespace deferd::spf
