#include "deferd/matchlist.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <utility>

#include "deferd/ascii.h"

namespace deferd {
namespace {

constexpr std::size_t kMaxErrors = 20;
constexpr std::size_t kMaxShown = 60;  // of an entry, in an error

/// What is compared: lower case; nothing if no entry could match it.
std::optional<std::string> fold(std::string_view subject) {
  if (subject.size() > kMaxSubject || subject.find('\0') != std::string_view::npos) return std::nullopt;
  return lower(subject);
}

bool is_expression(std::string_view entry) { return !entry.empty() && entry.front() == '/'; }

/// A domain of an entry, folded; empty if it is none.
std::string domain_of(std::string_view text) {
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);
  if (text.empty() || text.size() > 255) return {};
  bool label = false;
  for (const char c : text) {
    const bool dot = c == '.';
    if (dot && !label) return {};
    label = !dot;
    const bool known = dot || is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
                       static_cast<unsigned char>(c) >= 0x80;
    if (!known) return {};
  }
  return label ? lower(text) : std::string();
}

std::optional<int> number(std::string_view text, int most) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool leading_zero = text.size() > 1 && text[0] == '0';
  if (error != std::errc() || end != text.data() + text.size() || leading_zero || value < 0 || value > most) return std::nullopt;
  return value;
}

/// `192.0.2.7`, or `192.0.2` and `192.0` as the prefix with those numbers.
std::optional<Prefix> leading_numbers(std::string_view text) {
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);
  std::uint32_t address = 0;
  int length = 0;
  for (bool more = true; more;) {
    const auto dot = text.find('.');
    const auto octet = number(text.substr(0, dot), 255);
    if (!octet || length == 32) return std::nullopt;
    length += 8;
    address |= static_cast<std::uint32_t>(*octet) << (32 - length);
    more = dot != std::string_view::npos;
    if (more) text.remove_prefix(dot + 1);
  }
  return Prefix(Address::v4(address), length);
}

std::optional<Prefix> with_length(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = Address::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const auto length = number(text.substr(slash + 1), address->bits());
  if (!length) return std::nullopt;
  return Prefix(*address, *length);
}

/// The entry of a line, without comment and blanks. In an expression a # may stand for itself.
std::string_view entry_of(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r";
  const auto begin = line.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  line.remove_prefix(begin);
  auto comment = line.find('#');
  while (is_expression(line) && comment != std::string_view::npos && kBlanks.find(line[comment - 1]) == std::string_view::npos)
    comment = line.find('#', comment + 1);
  line = line.substr(0, comment);
  const auto end = line.find_last_not_of(kBlanks);
  return end == std::string_view::npos ? std::string_view() : line.substr(0, end + 1);
}

/// A local part without the quotes it need not have: "postmaster" in quotes is the same mailbox.
std::string unquoted(std::string_view local) {
  if (local.size() < 2 || local.front() != '"' || local.back() != '"') return std::string(local);
  std::string out;
  for (std::size_t i = 1; i + 1 < local.size(); ++i) {
    if (local[i] == '\\' && i + 2 < local.size()) ++i;
    out += local[i];
  }
  return out;
}

std::optional<ListHit> probe(const detail::LineOf& lines, std::string_view key) {
  const auto found = lines.find(key);
  if (found == lines.end()) return std::nullopt;
  return ListHit{found->first, found->second};
}

}  // namespace

void PrefixList::add(const Prefix& prefix, std::uint32_t line) {
  if (!lines_.emplace(prefix, line).second) return;
  auto& lengths = lengths_[prefix.address().is_v4() ? 0 : 1];
  const auto place = std::lower_bound(lengths.begin(), lengths.end(), prefix.length(), std::greater<>());
  if (place == lengths.end() || *place != prefix.length()) lengths.insert(place, prefix.length());
}

std::optional<ListHit> PrefixList::find(const Address& address) const {
  for (const int length : lengths_[address.is_v4() ? 0 : 1]) {
    const auto found = lines_.find(Prefix(address, length));
    if (found != lines_.end()) return ListHit{found->first.to_string(), found->second};
  }
  return std::nullopt;
}

Result<void> NameList::add_pattern(std::string_view entry, std::uint32_t line) {
  if (entry.size() < 2 || entry.back() != '/') return fail(Errc::invalid, "is an expression without its closing /");
  auto pattern = Pattern::compile(entry.substr(1, entry.size() - 2));
  if (!pattern) return tl::unexpected(pattern.error());
  patterns_.push_back({std::move(*pattern), line});
  return {};
}

Result<void> NameList::add(std::string_view entry, std::uint32_t line) {
  if (is_expression(entry)) return add_pattern(entry, line);
  const bool below = entry.starts_with("*.") || entry.starts_with(".");
  const auto domain = domain_of(below ? entry.substr(entry.find('.') + 1) : entry);
  if (domain.empty()) return fail(Errc::invalid, "is no domain; an expression is written /.../");
  domains_.emplace((below ? "." : "") + domain, line);
  return {};
}

std::optional<ListHit> NameList::find_domain(std::string_view folded) const {
  if (domains_.empty()) return std::nullopt;
  if (!folded.empty() && folded.back() == '.') folded.remove_suffix(1);
  if (auto hit = probe(domains_, folded)) return hit;
  for (auto dot = folded.find('.'); dot != std::string_view::npos; dot = folded.find('.', dot + 1)) {
    if (auto hit = probe(domains_, folded.substr(dot))) return hit;
    if (auto hit = probe(domains_, folded.substr(dot + 1))) return hit;
  }
  return std::nullopt;
}

std::optional<ListHit> NameList::find_pattern(const std::string& folded) const {
  for (const auto& [pattern, line] : patterns_)
    if (pattern.matches(folded)) return ListHit{"/" + pattern.text() + "/", line};
  return std::nullopt;
}

std::optional<ListHit> NameList::find(std::string_view name) const {
  const auto folded = fold(name);
  if (!folded || folded->empty()) return std::nullopt;
  if (auto hit = find_domain(*folded)) return hit;
  return find_pattern(*folded);
}

Result<void> HostList::add(std::string_view entry, std::uint32_t line) {
  if (is_expression(entry)) return names_.add_pattern(entry, line);
  const bool numbers = !entry.empty() && std::all_of(entry.begin(), entry.end(), [](char c) { return is_digit(c) || c == '.'; });
  if (entry.find_first_of("/:") == std::string_view::npos && !numbers) return names_.add(entry, line);

  std::optional<Prefix> prefix;
  if (entry.find('/') != std::string_view::npos)
    prefix = with_length(entry);
  else if (numbers)
    prefix = leading_numbers(entry);
  else if (const auto address = Address::parse(entry))
    prefix = Prefix(*address);
  if (!prefix) return fail(Errc::invalid, "is no address and no prefix");
  prefixes_.add(*prefix, line);
  return {};
}

std::optional<ListHit> HostList::find(const Address& address, std::string_view name) const {
  if (auto hit = prefixes_.find(address)) return hit;
  if (auto hit = names_.find(name)) return hit;
  if (names_.patterns_.empty()) return std::nullopt;
  return names_.find_pattern(address.to_string());
}

Result<void> MailList::add(std::string_view entry, std::uint32_t line) {
  if (is_expression(entry)) return domains_.add_pattern(entry, line);
  const auto at = entry.rfind('@');
  if (entry == "<>") {
    exact_.emplace(entry, line);
    return {};
  }
  if (at == std::string_view::npos) return domains_.add(entry, line);

  const auto local = entry.substr(0, at);
  const auto domain = domain_of(entry.substr(at + 1));
  if (entry.size() == 1 || (domain.empty() && at + 1 != entry.size())) return fail(Errc::invalid, "is no mail address");
  const std::string_view never = local.starts_with('"') ? "<>" : "<>@";
  for (const char c : local)
    if (static_cast<unsigned char>(c) <= ' ' || never.find(c) != std::string_view::npos)
      return fail(Errc::invalid, "is no mail address");
  exact_.emplace(lower(unquoted(local)) + "@" + domain, line);
  return {};
}

std::optional<ListHit> MailList::find(std::string_view address) const {
  const auto folded = fold(address);
  if (!folded) return std::nullopt;
  if (folded->empty()) {
    if (auto hit = probe(exact_, "<>")) return hit;
    return domains_.find_pattern(*folded);
  }
  const auto at = folded->rfind('@');
  std::string_view domain = at == std::string::npos ? std::string_view() : std::string_view(*folded).substr(at + 1);
  if (!domain.empty() && domain.back() == '.') domain.remove_suffix(1);

  if (!exact_.empty()) {
    auto whole = unquoted(std::string_view(*folded).substr(0, at));
    const auto plus = whole.find('+');
    auto user = whole.size();
    whole.append("@").append(domain);
    const auto probe_user = [&] {
      auto hit = probe(exact_, whole);
      return hit ? hit : probe(exact_, std::string_view(whole).substr(0, user + 1));
    };
    if (auto hit = probe_user()) return hit;
    if (plus != std::string::npos && plus > 0) {
      whole.erase(plus, user - plus);
      user = plus;
      if (auto hit = probe_user()) return hit;
    }
    if (!domain.empty())
      if (auto hit = probe(exact_, std::string_view(whole).substr(user))) return hit;
  }
  if (!domain.empty())
    if (auto hit = domains_.find_domain(domain)) return hit;
  return domains_.find_pattern(*folded);
}

template <class List>
std::shared_ptr<const List> read_list(std::string_view text, std::string_view file, std::vector<std::string>& errors) {
  auto list = std::make_shared<List>();
  std::uint32_t line = 0;
  std::size_t bad = 0;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  while (!text.empty()) {
    ++line;
    const auto end = text.find('\n');
    const auto entry = entry_of(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (entry.empty()) continue;
    Result<void> added;
    if (entry.size() > Pattern::kMaxSize + 2)
      added = fail(Errc::invalid, "the line is too long");
    else
      added = list->add(entry, line);
    if (!added && ++bad <= kMaxErrors)
      errors.push_back(std::string(file) + ":" + std::to_string(line) + ": '" + std::string(entry.substr(0, kMaxShown)) +
                       "': " + added.error().what);
  }
  if (bad > kMaxErrors) errors.push_back(std::string(file) + ": and " + std::to_string(bad - kMaxErrors) + " more");
  return list;
}

template <class List>
std::shared_ptr<const List> load_list(const std::string& file, std::vector<std::string>& errors) {
  std::ifstream in(file, std::ios::binary);
  std::string text;
  try {
    text.assign(std::istreambuf_iterator<char>(in), {});
  } catch (const std::ios_base::failure&) {  // a directory, on some systems
    in.setstate(std::ios::badbit);
  }
  if (!in.is_open() || in.bad()) {
    errors.push_back(file + ": cannot be read");
    return std::make_shared<List>();
  }
  return read_list<List>(text, file, errors);
}

template std::shared_ptr<const HostList> read_list(std::string_view, std::string_view, std::vector<std::string>&);
template std::shared_ptr<const MailList> read_list(std::string_view, std::string_view, std::vector<std::string>&);
template std::shared_ptr<const HostList> load_list(const std::string&, std::vector<std::string>&);
template std::shared_ptr<const MailList> load_list(const std::string&, std::vector<std::string>&);

}  // namespace deferd
