#include "list_reader.h"

#include <bit>
#include <utility>

namespace deferd::blacklist {
namespace {

constexpr std::size_t kEntryShown = 60;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

__extension__ using Uint128 = unsigned __int128;

std::uint64_t count_ones(Uint128 number) {
  return std::popcount(static_cast<std::uint64_t>(number)) + std::popcount(static_cast<std::uint64_t>(number >> 64));
}

Uint128 number_of(const Address& address) {
  Uint128 number = 0;
  for (const std::uint8_t byte : address.bytes()) number = number << 8 | byte;
  return number;
}

/// How many prefixes a range is made of, without making them: up to 62 of IPv4, 254 of IPv6. At the highest bit
/// in which its ends differ it falls into two parts; each is made of one prefix for each one bit of its length.
std::uint64_t pieces_of(const AddressRange& range) {
  const auto first = number_of(range.first()), last = number_of(range.last());
  if (first == last) return 1;
  Uint128 half = 1;
  for (auto differ = first ^ last; differ > 1; differ >>= 1) half <<= 1;
  const Uint128 below = first & (half - 1), above = last & (half - 1);
  const bool whole = below == 0 && above == half - 1;
  if (whole) return 1;
  return count_ones(half - below) + count_ones(above + 1);
}

/// Without line end and byte order mark.
std::string_view bare(std::string_view line, std::uint64_t number) {
  if (number == 1 && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

Result<Line> read_line(std::string_view line, Format format) {
  if (line.size() > LineSplitter::kLongest && !line.starts_with('#')) return fail(Errc::invalid, "is too long for a line");
  return parse_line(line, format);
}

}  // namespace

void ListReader::remark(std::string_view line, std::uint64_t number, const std::string& what) {
  if (content_.remarks.size() >= kMostRemarks) return;
  content_.remarks.push_back("line " + std::to_string(number) + ": " + detail::quote(line.substr(0, kEntryShown)) + " " + what);
}

Result<void> ListReader::take(std::string_view text, std::uint64_t number) {
  const auto line = bare(text, number);
  const auto read = read_line(line, format_);
  if (!read) {
    ++content_.bad;
    remark(line, number, read.error().what);
    return {};
  }
  if (!read->range) return {};
  if (content_.entries >= most_) return fail(Errc::invalid, "has more than " + std::to_string(most_) + " entries");
  pieces_ += pieces_of(*read->range);
  if (pieces_ > most_) return fail(Errc::invalid, "has ranges that make more than " + std::to_string(most_) + " prefixes");
  if (!read->warning.empty()) {
    ++content_.warned;
    remark(line, number, read->warning);
  }
  ++content_.entries;
  builder_.add(*read->range);
  return {};
}

Result<void> ListReader::feed(std::string_view bytes) {
  return lines_.feed(bytes, [this](std::string_view line, std::uint64_t number) { return take(line, number); });
}

Result<Content> ListReader::finish() {
  auto taken = lines_.finish([this](std::string_view line, std::uint64_t number) { return take(line, number); });
  if (!taken) return tl::unexpected(taken.error());
  content_.set = builder_.build();
  return std::move(content_);
}

Result<void> PlaceFinder::take(std::string_view text, std::uint64_t number) {
  const auto line = bare(text, number);
  const auto read = read_line(line, format_);
  if (!read || !read->range || !read->range->contains(address_)) return {};
  place_ = Place{number, std::string(line)};
  return fail(Errc::conflict, "found");
}

Result<void> PlaceFinder::feed(std::string_view bytes) {
  return lines_.feed(bytes, [this](std::string_view line, std::uint64_t number) { return take(line, number); });
}

std::optional<Place> PlaceFinder::finish() {
  if (!place_) (void)lines_.finish([this](std::string_view line, std::uint64_t number) { return take(line, number); });
  return place_;
}

}  // namespace deferd::blacklist
