#include "smtp/path.h"

#include <algorithm>

#include "base/utf8.h"
#include "deferd/address.h"
#include "deferd/ascii.h"
#include "smtp/command.h"

namespace deferd::smtp {
namespace {

constexpr std::size_t kLongestAddress = 512;
constexpr std::size_t kMostParameters = 20;
constexpr std::size_t kLongestDomain = 255;  // RFC 5321 section 4.5.3.1.2

tl::unexpected<Error> malformed() { return fail(Errc::invalid, "Syntax error in the address"); }

bool is_printable(char c) { return c > ' ' && c < 0x7f; }
bool in_domain(char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; }
bool in_local_part(char c) { return is_printable(c) && std::string_view("<>()[]\\,;:@\"").find(c) == std::string_view::npos; }
bool in_quotes(char c) { return c >= ' ' && c < 0x7f && c != '"' && c != '\\'; }

/// How many bytes at the beginning are allowed characters, or valid UTF-8 above the C1 controls.
std::size_t run(std::string_view text, bool (*allowed)(char)) {
  std::size_t length = 0;
  while (length < text.size()) {
    if (allowed(text[length])) {
      ++length;
      continue;
    }
    const auto [code_point, bytes] = utf8::decode(text.substr(length));
    if (bytes == 0 || code_point < 0xa0) break;
    length += bytes;
  }
  return length;
}

bool at_blank(std::string_view text) { return text.empty() || kBlanks.find(text[0]) != kBlanks.npos; }

bool has_empty_label(std::string_view domain) {  // but for a dot at its end
  return domain.empty() || domain.starts_with('.') || domain.find("..") != domain.npos;
}

/// What is left to read; each take_ function moves on past what it took, or says that it is not there.
struct Reader {
  std::string_view rest;

  bool take(char c) {
    const bool there = rest.starts_with(c);
    if (there) rest.remove_prefix(1);
    return there;
  }

  bool take_quoted() {
    if (!take('"')) return false;
    for (;;) {
      rest.remove_prefix(run(rest, in_quotes));
      if (take('"')) return true;
      if (!take('\\') || rest.empty() || rest[0] < ' ' || rest[0] >= 0x7f) return false;
      rest.remove_prefix(1);
    }
  }

  bool take_local_part() {
    if (rest.starts_with('"')) return take_quoted();
    const auto length = run(rest, in_local_part);
    rest.remove_prefix(length);
    return length > 0;
  }

  bool take_domain() {
    if (rest.starts_with('[')) {
      const auto end = rest.find(']');
      if (end == rest.npos || !Address::parse(rest.substr(0, end + 1))) return false;
      rest.remove_prefix(end + 1);
      return true;
    }
    const auto domain = rest.substr(0, run(rest, in_domain));
    rest.remove_prefix(domain.size());
    return !has_empty_label(domain);
  }

  /// `@one,@two:`, which is obsolete and means nothing (RFC 5321 appendix C). Nothing is fine too.
  bool take_source_route() {
    if (!rest.starts_with('@')) return true;
    while (take('@') && take_domain()) {
      if (take(':')) return true;
      if (!take(',')) return false;
    }
    return false;
  }
};

bool is_postmaster(std::string_view text) { return lower(text) == "postmaster"; }

bool is_parameter(std::string_view word) {
  const auto equals = word.find('=');
  const auto keyword = word.substr(0, equals);
  if (keyword.empty() || keyword.starts_with('-')) return false;
  if (!std::all_of(keyword.begin(), keyword.end(), [](char c) { return is_alnum(c) || c == '-'; })) return false;
  if (equals == word.npos) return true;
  const auto value = word.substr(equals + 1);
  return !value.empty() && run(value, is_printable) == value.size();
}

enum class Of { sender, recipient };

Result<Path> parse_path(std::string_view argument, Of whose) {
  Reader reader{argument.substr(std::min(argument.find_first_not_of(kBlanks), argument.size()))};
  if (reader.rest.empty()) return fail(Errc::invalid, "An address is needed");

  Path path;
  const bool in_brackets = reader.take('<');
  if (in_brackets && reader.rest.starts_with('>')) {
    if (whose == Of::recipient) return fail(Errc::invalid, "A recipient cannot be empty");
  } else {
    if (!reader.take_source_route()) return malformed();
    const auto from = reader.rest;
    if (!reader.take_local_part()) return malformed();
    const auto local_part = from.substr(0, from.size() - reader.rest.size());
    if (reader.take('@')) {
      if (!reader.take_domain()) return malformed();
    } else if (whose == Of::sender || !is_postmaster(local_part)) {
      if (!(in_brackets ? reader.rest.starts_with('>') : at_blank(reader.rest))) return malformed();
      return fail(Errc::invalid, "An address with a domain is needed");
    }
    const auto address = from.substr(0, from.size() - reader.rest.size());
    if (address.size() > kLongestAddress) return fail(Errc::invalid, "The address is too long");
    path.address = address;
    path.utf8 = std::any_of(address.begin(), address.end(), [](char c) { return (c & 0x80) != 0; });
  }
  if (in_brackets && !reader.take('>')) return malformed();

  auto rest = reader.rest;
  if (!at_blank(rest)) return malformed();
  for (;;) {
    rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
    if (rest.empty()) return path;
    const auto word = rest.substr(0, rest.find_first_of(kBlanks));
    if (!is_parameter(word)) return fail(Errc::invalid, "Syntax error in the parameters");
    if (path.parameters.size() == kMostParameters) return fail(Errc::invalid, "Too many parameters");
    path.parameters.emplace_back(word);
    rest.remove_prefix(word.size());
  }
}

}  // namespace

Result<Path> parse_sender(std::string_view argument) { return parse_path(argument, Of::sender); }
Result<Path> parse_recipient(std::string_view argument) { return parse_path(argument, Of::recipient); }

bool is_helo_name(std::string_view name) {
  if (name.starts_with('[')) return name.ends_with(']') && Address::parse(name).has_value();
  if (name.size() > kLongestDomain || has_empty_label(name) || !std::all_of(name.begin(), name.end(), in_domain)) return false;
  if (name.ends_with('.')) name.remove_suffix(1);
  const auto last_label = name.substr(name.rfind('.') + 1);  // npos + 1 is 0
  return !std::all_of(last_label.begin(), last_label.end(), is_digit);
}

}  // namespace deferd::smtp
