#include "deferd/pattern.h"

#include <regex.h>

#include <bitset>
#include <cctype>
#include <optional>
#include <utility>
#include <vector>

#include "deferd/ascii.h"

namespace deferd {
namespace {

constexpr std::size_t kMaxDepth = 16;   // of parentheses
constexpr std::size_t kMaxCount = 255;  // within {}: what POSIX guarantees

using Bytes = std::bitset<256>;

void add_range(Bytes& set, unsigned char from, unsigned char to) {
  for (unsigned c = from; c <= to; ++c) set.set(c);
}

/// The bytes of \d, \w or \s.
std::optional<Bytes> named_class(char letter) {
  Bytes set;
  switch (letter) {
    case 'w':
      add_range(set, 'a', 'z');
      add_range(set, 'A', 'Z');
      set.set('_');
      [[fallthrough]];
    case 'd':
      add_range(set, '0', '9');
      return set;
    case 's':
      add_range(set, '\t', '\r');
      set.set(' ');
      return set;
    default:
      return std::nullopt;
  }
}

/// A bracket expression of POSIX: there no byte is escaped, its place says what it means.
std::string bracket(const Bytes& set, bool negated) {
  std::string out = negated ? "[^" : "[";
  if (set.test(']')) out += ']';
  for (unsigned c = 1; c < set.size(); ++c)
    if (set.test(c) && c != ']' && c != '^' && c != '-') out += static_cast<char>(c);
  if (set.test('^')) {
    if (!negated && out == "[") return set.test('-') ? "[-^]" : "\\^";
    out += '^';
  }
  if (set.test('-')) out += '-';
  return out + ']';
}

/// Turns what operators write into a POSIX extended expression, and finds the longest text that must occur.
class Translation {
 public:
  explicit Translation(std::string_view in) : in_(in) {}

  Result<void> run() {
    while (at_ < in_.size()) {
      if (auto done = piece(); !done) return done;
    }
    if (atoms_.size() > 1) return wrong("a ( is not closed");
    end_run();
    if (alternatives_) literal_.clear();
    return {};
  }

  std::string out;
  std::string take_literal() { return std::move(literal_); }

 private:
  tl::unexpected<Error> wrong(std::string what) const { return fail(Errc::invalid, std::move(what)); }
  bool next_is(char c) const { return at_ < in_.size() && in_[at_] == c; }

  Result<void> piece() {
    const char c = in_[at_++];
    switch (c) {
      case '\\':
        return escape();
      case '[':
        return set();
      case '(':
        return open();
      case ')':
        return close();
      case '*':
      case '+':
      case '?':
        return repeat(std::string(1, c), c == '+');
      case '{':
        return braces();
      case '|':
        if (atoms_.size() == 1) alternatives_ = true;
        [[fallthrough]];
      case '^':
      case '$':
        end_run();
        out += c;
        repeatable_ = false;
        return {};
      case '.':
        atom(".");
        return {};
      default:
        literal(c);
        return {};
    }
  }

  Result<void> escape() {
    if (at_ == in_.size()) return wrong("ends with a backslash");
    const char c = in_[at_++];
    if (auto bytes = named_class(lower(c))) {
      atom(bracket(*bytes, c != lower(c)));
      return {};
    }
    if (is_alnum(c)) return wrong(std::string("\\") + c + " is not supported");
    literal(c);
    return {};
  }

  Result<void> set() {
    Bytes bytes;
    const bool negated = next_is('^');
    if (negated) ++at_;
    for (bool first = true; !next_is(']') || first; first = false) {
      if (at_ == in_.size()) return wrong("a [ is not closed");
      std::optional<Bytes> named;
      auto from = set_member(named);
      if (!from) return tl::unexpected(from.error());
      if (named) {
        bytes |= *named;
        continue;
      }
      auto to = from;
      if (at_ + 1 < in_.size() && in_[at_] == '-' && in_[at_ + 1] != ']') {
        ++at_;
        to = set_member(named);
        if (!to) return tl::unexpected(to.error());
        if (named || *to < *from) return wrong("a range in [] is upside down");
      }
      add_range(bytes, *from, *to);
    }
    ++at_;
    atom(bracket(bytes, negated));
    return {};
  }

  /// One byte of a set, or a class such as \d or [:alpha:].
  Result<unsigned char> set_member(std::optional<Bytes>& named) {
    const char c = in_[at_++];
    if (c == '[' && next_is(':')) return posix_class(named);
    if (c != '\\') return static_cast<unsigned char>(c);
    if (at_ == in_.size()) return wrong("ends with a backslash");
    const char escaped = in_[at_++];
    named = named_class(escaped);
    if (!named && is_alnum(escaped)) return wrong(std::string("\\") + escaped + " is not supported within []");
    return static_cast<unsigned char>(escaped);
  }

  Result<unsigned char> posix_class(std::optional<Bytes>& named) {
    static constexpr std::pair<std::string_view, int (*)(int)> kClasses[] = {
        {"alpha", std::isalpha}, {"digit", std::isdigit}, {"alnum", std::isalnum}, {"upper", std::isupper},
        {"lower", std::islower}, {"space", std::isspace}, {"punct", std::ispunct}, {"xdigit", std::isxdigit}};
    const auto end = in_.find(":]", at_);
    const auto name = end == std::string_view::npos ? std::string_view() : in_.substr(at_ + 1, end - at_ - 1);
    for (const auto& [known, holds] : kClasses) {
      if (known != name) continue;
      at_ = end + 2;
      named.emplace();
      for (int c = 1; c < 128; ++c)
        if (holds(c) != 0) named->set(static_cast<std::size_t>(c));
      return 0;
    }
    return wrong("[: begins no class that is known");
  }

  Result<void> open() {
    if (atoms_.size() > kMaxDepth) return wrong("is nested too deeply");
    if (next_is('?')) {
      if (at_ + 1 >= in_.size() || in_[at_ + 1] != ':') return wrong("(? is supported only as (?:...)");
      at_ += 2;
    }
    end_run();
    out += '(';
    repeatable_ = false;
    atoms_.push_back(0);
    return {};
  }

  Result<void> close() {
    if (atoms_.size() == 1) return wrong("a ) without its (");
    end_run();
    out += ')';
    repeatable_ = true;
    last_ = atoms_.back();
    atoms_.pop_back();
    atoms_.back() += last_;
    return {};
  }

  /// A { that begins no count is a literal, as in Perl.
  Result<void> braces() {
    const auto end = in_.find('}', at_);
    const auto count = end == std::string_view::npos ? std::string_view() : in_.substr(at_, end - at_);
    const auto comma = count.find(',');
    const auto low = number(count.substr(0, comma));
    const bool open_end = comma != std::string_view::npos && comma + 1 == count.size();
    const auto high = comma == std::string_view::npos || open_end ? low : number(count.substr(comma + 1));
    if (!low || !high) {
      literal('{');
      return {};
    }
    const std::string text = "{" + std::string(count) + "}";
    if (*high < *low) return wrong(text + " is upside down");
    if (*high > kMaxCount) return wrong(text + " counts beyond " + std::to_string(kMaxCount));
    if (*high > 1) atoms_.back() += last_ * (*high - 1);
    last_ *= *high;
    if (atoms_.back() > Pattern::kMaxAtoms) return wrong("is too large with " + text + " written out");
    at_ = end + 1;
    return repeat(text, *low > 0);
  }

  static std::optional<std::size_t> number(std::string_view text) {
    if (text.empty() || text.size() > 3) return std::nullopt;
    std::size_t value = 0;
    for (const char c : text) {
      if (!is_digit(c)) return std::nullopt;
      value = value * 10 + static_cast<std::size_t>(c - '0');
    }
    return value;
  }

  Result<void> repeat(const std::string& quantifier, bool at_least_once) {
    if (!repeatable_) return wrong("nothing to repeat before " + quantifier);
    repeatable_ = false;
    if (next_is('?')) ++at_;  // lazy: which match is taken makes no difference here
    if (!at_least_once && !run_.empty()) run_.pop_back();
    end_run();
    out += quantifier;
    return {};
  }

  void literal(char c) {
    if (std::string_view("\\[](){}*+?|^$.").find(c) != std::string_view::npos) out += '\\';
    out += c;
    count_atom();
    if (atoms_.size() == 1) run_ += lower(c);
  }

  void atom(const std::string& text) {
    end_run();
    out += text;
    count_atom();
  }

  void count_atom() {
    repeatable_ = true;
    last_ = 1;
    ++atoms_.back();
  }

  void end_run() {
    if (run_.size() > literal_.size()) literal_ = run_;
    run_.clear();
  }

  std::string_view in_;
  std::size_t at_ = 0;
  std::vector<std::size_t> atoms_{0};  // one an open parenthesis, and the whole
  std::size_t last_ = 0;               // atoms in what a quantifier would repeat
  bool repeatable_ = false;
  bool alternatives_ = false;
  std::string run_;
  std::string literal_;
};

void free_regex(regex_t* regex) {
  ::regfree(regex);
  delete regex;
}

}  // namespace

Result<Pattern> Pattern::compile(std::string_view text) {
  if (text.empty()) return fail(Errc::invalid, "is an empty expression");
  if (text.size() > kMaxSize) return fail(Errc::invalid, "is longer than " + std::to_string(kMaxSize) + " bytes");
  for (const char c : text)
    if (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) > '~')
      return fail(Errc::invalid, "has a byte that is not printable ASCII");
  Translation translation(text);
  if (auto done = translation.run(); !done) return tl::unexpected(done.error());

  auto regex = std::make_unique<regex_t>();
  if (const int code = ::regcomp(regex.get(), translation.out.c_str(), REG_EXTENDED | REG_ICASE | REG_NOSUB); code != 0) {
    char message[128];
    ::regerror(code, regex.get(), message, sizeof message);
    return fail(Errc::invalid, std::string("is no expression: ") + message);
  }
  Pattern pattern;
  pattern.text_ = text;
  pattern.literal_ = translation.take_literal();
  pattern.compiled_ =
      std::shared_ptr<const regex_t>(regex.release(), [](const regex_t* r) { free_regex(const_cast<regex_t*>(r)); });
  return pattern;
}

bool Pattern::matches(const std::string& subject) const {
  if (subject.find(literal_) == std::string::npos) return false;
  return ::regexec(static_cast<const regex_t*>(compiled_.get()), subject.c_str(), 0, nullptr, 0) == 0;
}

}  // namespace deferd
