#include "config_line.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "deferd/schema.h"
#include "line.h"

namespace deferd::blacklist {
namespace {

constexpr std::size_t kLongestPushedTag = 64;
constexpr std::size_t kLongestMessage = 8192;
constexpr std::size_t kFieldShown = 60;

/// Takes what stands before the next `;`, and that.
std::string_view take(std::string_view& rest) {
  const auto end = std::min(rest.find(';'), rest.size());
  const auto token = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return token;
}

/// Takes a message between quotes and the `;` behind it; a backslash protects the next byte.
Result<std::string> take_message(std::string_view& rest) {
  if (!rest.starts_with('"')) return fail(Errc::invalid, "its message does not begin with a quote");
  std::size_t end = 1;
  while (end < rest.size() && rest[end] != '"') end += rest[end] == '\\' ? 2 : 1;
  if (end >= rest.size()) return fail(Errc::invalid, "its message does not end with a quote");
  if (end > kLongestMessage) return fail(Errc::invalid, "its message is too long");
  std::string message(rest.substr(1, end - 1));
  rest.remove_prefix(end + 1);
  if (!rest.starts_with(';')) return fail(Errc::invalid, "no semicolon follows its message");
  rest.remove_prefix(1);
  return message;
}

Result<Prefix> prefix_of(std::string_view token, std::optional<bool> v4) {
  const auto slash = token.find('/');
  auto prefix = slash == token.npos ? Result<Prefix>(fail(Errc::invalid, "has no length"))
                                    : parse_masked(token.substr(0, slash), token.substr(slash + 1));
  if (prefix && v4 && prefix->address().is_v4() != *v4) prefix = fail(Errc::invalid, "is of the other family");
  if (!prefix) return fail(Errc::invalid, detail::quote(token.substr(0, kFieldShown)) + " " + prefix.error().what);
  return prefix;
}

tl::unexpected<Error> cut_off() { return fail(Errc::invalid, "has no line end, and may be cut off"); }

class Groups {
 public:
  Groups(std::string_view rest, LineEnd end) : rest_(rest), end_(end) {}

  Result<void> read() {
    if (!rest_.starts_with("inet;") && !rest_.starts_with("inet6;"))
      return end_ == LineEnd::seen ? addresses(std::nullopt, std::nullopt) : cut_off();
    while (!rest_.empty()) {
      const auto family = take(rest_);
      const bool v4 = family == "inet";
      if (!v4 && family != "inet6") return fail(Errc::invalid, "expected 'inet' or 'inet6'");
      if (std::exchange(seen_[v4], true)) return fail(Errc::invalid, "has two groups of one family");
      const auto count = take(rest_);
      std::uint32_t number = 0;
      const auto read = std::from_chars(count.data(), count.data() + count.size(), number);
      if (count.empty() || read.ec != std::errc() || read.ptr != count.data() + count.size())
        return fail(Errc::invalid, "has no count of addresses");
      if (auto done = addresses(number, v4); !done) return done;
    }
    return {};
  }

  PrefixSetBuilder builder;
  std::uint64_t entries = 0;

 private:
  /// So many, or all that follow.
  Result<void> addresses(std::optional<std::uint32_t> count, std::optional<bool> v4) {
    for (std::uint32_t i = 0; count ? i < *count : !rest_.empty(); ++i) {
      if (rest_.empty()) return fail(Errc::invalid, "has fewer addresses than it says");
      const auto prefix = prefix_of(take(rest_), v4);
      if (!prefix) return tl::unexpected(prefix.error());
      builder.add(*prefix);
      ++entries;
    }
    return {};
  }

  std::string_view rest_;
  const LineEnd end_;
  bool seen_[2] = {};
};

}  // namespace

Result<ConfigLine> parse_config_line(std::string_view text, LineEnd end) {
  while (text.ends_with('\r')) text.remove_suffix(1);
  ConfigLine line;
  const bool has_semicolon = text.find(';') != text.npos;
  line.tag = take(text);
  const bool word = std::all_of(line.tag.begin(), line.tag.end(), [](char c) { return c > ' ' && c < '\x7f' && c != '"'; });
  if (!has_semicolon || line.tag.empty() || line.tag.size() > kLongestPushedTag || !word)
    return fail(Errc::invalid, "does not begin with a tag and a semicolon");
  if (text.empty() && end == LineEnd::missing) return cut_off();
  if (text.empty()) return line;
  auto message = take_message(text);
  if (!message) return tl::unexpected(message.error());
  line.message = std::move(*message);
  Groups groups(text, end);
  if (auto done = groups.read(); !done) return tl::unexpected(done.error());
  if (groups.entries == 0) return fail(Errc::invalid, "has no addresses");
  line.entries = groups.entries;
  line.set = groups.builder.build();
  return line;
}

}  // namespace deferd::blacklist
