#include "line.h"

#include <algorithm>
#include <charconv>

#include "deferd/ascii.h"

namespace deferd::blacklist {
namespace {

constexpr std::string_view kBlanks = " \t\r";
constexpr std::string_view kEndsToken = " \t\r-#;,";
constexpr std::size_t kLongestToken = 64;

std::string_view trimmed(std::string_view text) {
  const auto start = text.find_first_not_of(kBlanks);
  if (start == text.npos) return {};
  return text.substr(start, text.find_last_not_of(kBlanks) - start + 1);
}

std::string_view token_of(std::string_view text) { return text.substr(0, text.find_first_of(kEndsToken)); }

/// `10`, `10.1`: as many numbers as are there, as an address with zeros behind them; 0 if it is nothing like that.
int leading_numbers(std::string_view text, Address& address) {
  std::uint32_t number = 0;
  for (int count = 1; count <= 4; ++count) {
    const auto dot = std::min(text.find('.'), text.size());
    const auto* end = text.data() + dot;
    std::uint8_t byte = 0;
    if (dot == 0 || (dot > 1 && text[0] == '0')) return 0;
    const auto read = std::from_chars(text.data(), end, byte);
    if (read.ec != std::errc() || read.ptr != end) return 0;
    number |= static_cast<std::uint32_t>(byte) << (32 - 8 * count);
    if (dot == text.size()) {
      address = Address::v4(number);
      return count;
    }
    text.remove_prefix(dot + 1);
  }
  return 0;
}

Line of_prefix(const Prefix& prefix, bool host_bits_set) {
  Line line{AddressRange(prefix), {}};
  if (host_bits_set) line.warning = "host bits are set: taken as " + prefix.to_string();
  return line;
}

Result<Line> parse_prefix(std::string_view token) {
  const auto slash = token.find('/');
  const auto address = token.substr(0, slash);
  auto prefix = parse_masked(address, token.substr(slash + 1));
  if (!prefix) return tl::unexpected(prefix.error());
  Address given;
  if (const auto whole = Address::parse(address))
    given = *whole;
  else
    leading_numbers(address, given);
  return of_prefix(*prefix, given != prefix->address());
}

/// As far as it goes: somebody meant an address, and an entry that says less than it should is better none.
bool looks_like_address(std::string_view token) {
  const auto digits = std::min(token.find_first_not_of("0123456789"), token.size());
  return (digits > 0 && token.substr(digits).starts_with('.')) || std::count(token.begin(), token.end(), ':') > 1;
}

/// What follows the first address: an end of a range, a comment, or nothing that matters.
Result<Line> parse_range(const Address& first, std::string_view rest) {
  const auto start = rest.find_first_not_of(" \t\r-");
  const bool hyphen = rest.substr(0, start).find('-') != rest.npos;
  const auto token = start == rest.npos ? std::string_view() : token_of(rest.substr(start));
  const auto last = Address::parse(token);
  if (!last && hyphen && looks_like_address(token)) return fail(Errc::invalid, "is a range without an end");
  if (!last) return Line{AddressRange(first), {}};
  if (last->is_v4() != first.is_v4()) return fail(Errc::invalid, "is a range from one family to another");
  auto range = AddressRange::between(first, *last);
  if (!range) return fail(Errc::invalid, "is a range that ends before it begins");
  return Line{*range, {}};
}

/// A word as a whole, so that of names that begin with numbers (`10-2-3-4.dsl.example.net`) nothing is taken for an address.
/// `192.0.2` stands for its prefix; what is no address at all is a name.
Result<Line> parse_postgrey(std::string_view token) {
  if (token.front() == '/') return Line{};
  if (token.find('/') != token.npos) return parse_prefix(token);
  if (const auto whole = Address::parse(token)) return Line{AddressRange(*whole), {}};
  Address address;
  const bool numbers = std::all_of(token.begin(), token.end(), [](char c) { return is_digit(c) || c == '.'; });
  if (!numbers && token.find(':') == token.npos) return Line{};
  while (token.size() > 1 && token.back() == '.') token.remove_suffix(1);
  const int count = leading_numbers(token, address);
  if (count == 0) return fail(Errc::invalid, "is no address and no prefix");
  return of_prefix(Prefix(address, 8 * count), false);
}

}  // namespace

Result<Prefix> parse_masked(std::string_view address_text, std::string_view length_text) {
  Address address;
  int bits = 0;
  if (const auto whole = Address::parse(address_text))
    address = *whole;
  else if (leading_numbers(address_text, address) == 0)
    return fail(Errc::invalid, "is no address and no prefix");
  const auto* end = length_text.data() + length_text.size();
  const auto read = std::from_chars(length_text.data(), end, bits);
  if (length_text.empty() || read.ec != std::errc() || read.ptr != end || bits < 0)
    return fail(Errc::invalid, "has no length behind its slash");
  if (address.is_v4() && address_text.find(':') != address_text.npos) bits -= 96;  // ::ffff:192.0.2.0/120
  if (bits > address.bits()) return fail(Errc::invalid, "is longer than " + std::to_string(address.bits()) + " bits");
  if (bits <= 0) return fail(Errc::invalid, "would list every address there is");
  return Prefix(address, bits);
}

Result<Line> parse_line(std::string_view text, Format format) {
  text = trimmed(text);
  if (text.empty() || text.front() == '#' || text.front() == ';') return Line{};
  if (format == Format::postgrey) return parse_postgrey(text.substr(0, text.find_first_of(" \t\r#")));
  const auto token = token_of(text);
  if (token.size() > kLongestToken) return fail(Errc::invalid, "is no address and no prefix");
  if (token.find('/') != token.npos) return parse_prefix(token);
  if (const auto address = Address::parse(token)) return parse_range(*address, text.substr(token.size()));
  return fail(Errc::invalid, "is no address and no prefix");
}

}  // namespace deferd::blacklist
