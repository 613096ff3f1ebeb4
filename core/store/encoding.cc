#include "store/encoding.h"

#include <array>
#include <limits>

namespace deferd::store {
namespace {

template <class T>
void put_number(std::string& out, T value) {
  char bytes[sizeof value];
  for (std::size_t i = sizeof value; i > 0; value = static_cast<T>(std::uint64_t{value} >> 8))
    bytes[--i] = static_cast<char>(value & 0xff);
  out.append(bytes, sizeof bytes);
}

template <class T>
T take_number(std::string_view bytes) {
  T value = 0;
  for (char byte : bytes) value = static_cast<T>(value << 8 | static_cast<unsigned char>(byte));
  return value;
}

tl::unexpected<Error> damaged(std::string_view what) {
  return fail(Errc::corrupt, std::string(what) + " in the store is damaged; run: deferd --check-store -c FILE");
}

}  // namespace

void put_u8(std::string& out, std::uint8_t value) { out.push_back(static_cast<char>(value)); }
void put_u16(std::string& out, std::uint16_t value) { put_number(out, value); }
void put_u32(std::string& out, std::uint32_t value) { put_number(out, value); }
void put_u64(std::string& out, std::uint64_t value) { put_number(out, value); }

void put_time(std::string& out, Time time) {
  put_u64(out, static_cast<std::uint64_t>(std::max<std::int64_t>(0, time.time_since_epoch().count())));
}

void put_text(std::string& out, std::string_view text) {
  text = text.substr(0, std::numeric_limits<std::uint16_t>::max());
  put_u16(out, static_cast<std::uint16_t>(text.size()));
  out += text;
}

void put_prefix(std::string& out, const Prefix& prefix) {
  put_u8(out, prefix.address().is_v4() ? 4 : 6);
  put_u8(out, static_cast<std::uint8_t>(prefix.length()));
  const auto bytes = prefix.address().bytes();
  out.append(bytes.begin(), bytes.end());
}

std::string_view Reader::bytes(std::size_t count) {
  if (!ok_ || count > rest_.size()) {
    ok_ = false;
    return {};
  }
  const auto taken = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return taken;
}

std::uint8_t Reader::u8() { return take_number<std::uint8_t>(bytes(1)); }
std::uint16_t Reader::u16() { return take_number<std::uint16_t>(bytes(2)); }
std::uint32_t Reader::u32() { return take_number<std::uint32_t>(bytes(4)); }
std::uint64_t Reader::u64() { return take_number<std::uint64_t>(bytes(8)); }

Time Reader::time() {
  const std::uint64_t seconds = u64();
  if (seconds > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) ok_ = false;
  return ok_ ? Time(Duration(static_cast<std::int64_t>(seconds))) : Time{};
}

Prefix Reader::prefix() {
  const auto family = u8();
  const auto length = u8();
  if (family != 4 && family != 6) ok_ = false;
  const auto raw = bytes(family == 4 ? 4 : 16);
  if (!ok_) return {};
  Address address;
  if (family == 4) {
    address = Address::v4(take_number<std::uint32_t>(raw));
  } else {
    std::array<std::uint8_t, 16> array{};
    for (std::size_t i = 0; i < array.size(); ++i) array[i] = static_cast<std::uint8_t>(raw[i]);
    address = Address::v6(array);
  }
  const Prefix prefix(address, length);
  // A mapped address in 16 bytes, a length too great or host bits: nothing that put_prefix() writes.
  if (address.is_v4() != (family == 4) || length > address.bits() || prefix.address() != address) {
    ok_ = false;
    return {};
  }
  return prefix;
}

std::string after_prefix(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

std::string space_prefix(std::string_view plugin) {
  std::string out;
  put_u8(out, static_cast<std::uint8_t>(plugin.size()));
  return out.append(plugin);
}

void put_record_key(std::string& out, std::string_view space, std::string_view group, std::string_view key) {
  out.append(space).append(group).append(key);
  put_u16(out, static_cast<std::uint16_t>(group.size()));
}

Result<RecordKey> parse_record_key(std::string_view space, std::string_view bytes) {
  if (!bytes.starts_with(space) || bytes.size() < space.size() + 2) return damaged("the key of a record");
  const auto length = take_number<std::uint16_t>(bytes.substr(bytes.size() - 2));
  const auto both = bytes.substr(space.size(), bytes.size() - space.size() - 2);
  if (length > both.size()) return damaged("the key of a record");
  return RecordKey{both.substr(0, length), both.substr(length)};
}

std::int64_t record_expires(std::string_view value) {
  if (value.size() < kExpiryBytes) return std::numeric_limits<std::int64_t>::max();
  const auto seconds = take_number<std::uint64_t>(value.substr(value.size() - kExpiryBytes));
  return static_cast<std::int64_t>(std::min<std::uint64_t>(seconds, std::numeric_limits<std::int64_t>::max()));
}

std::string row_prefix(std::string_view table) {
  std::string out(kRowKeys);
  put_text(out, table);
  return out;
}

std::string row_key(std::string_view table, const Prefix& prefix) {
  std::string out = row_prefix(table);
  put_prefix(out, prefix);
  return out;
}

Result<RowKey> parse_row_key(std::string_view bytes) {
  Reader reader(bytes);
  const bool is_row = reader.bytes(1) == kRowKeys;
  RowKey key{reader.text(), reader.prefix()};
  if (!is_row || !reader.done() || key.table.empty()) return damaged("the key of a table row");
  return key;
}

std::string print_row(const StoredRow& stored) {
  std::string out;
  put_u8(out, stored.row ? 1 : 0);
  put_time(out, stored.revoked);
  if (!stored.row) return out;
  put_time(out, stored.written);
  put_time(out, stored.row->added);
  put_time(out, stored.row->expires);
  put_text(out, stored.row->source);
  put_text(out, stored.row->evidence);
  put_text(out, stored.row->note);
  return out;
}

Result<StoredRow> parse_row(const Prefix& prefix, std::string_view bytes) {
  Reader reader(bytes);
  StoredRow stored;
  const auto has_row = reader.u8();
  stored.revoked = reader.time();
  if (has_row == 1) {
    TableRow row;
    row.prefix = prefix;
    stored.written = reader.time();
    row.added = reader.time();
    row.expires = reader.time();
    row.source = reader.text();
    row.evidence = reader.text();
    row.note = reader.text();
    stored.row = std::move(row);
  }
  if (!reader.done() || has_row > 1) return damaged("the table row of " + prefix.to_string());
  return stored;
}

std::string index_key(Time when, Ends what, std::string_view row_key) {
  std::string out(kIndexKeys);
  put_time(out, when);
  put_u8(out, static_cast<std::uint8_t>(what));
  return out.append(row_key);
}

Result<IndexKey> parse_index_key(std::string_view bytes) {
  Reader reader(bytes);
  const bool is_index = reader.bytes(1) == kIndexKeys;
  IndexKey key;
  key.when = reader.time();
  const auto what = reader.u8();
  key.what = static_cast<Ends>(what);
  key.row_key = reader.rest();
  if (!is_index || !reader.ok() || what < 1 || what > 2) return damaged("an entry of the expiry index");
  return key;
}

std::optional<std::string> index_of_row(const StoredRow& stored, std::string_view key) {
  if (!stored.row || stored.row->expires == Time::max()) return std::nullopt;
  return index_key(stored.row->expires, Ends::row, key);
}

std::optional<std::string> index_of_revocation(const StoredRow& stored, std::string_view key) {
  if (stored.revoked == Time{}) return std::nullopt;
  return index_key(stored.revoked + kRevocationKept, Ends::revocation, key);
}

std::string feed_key(std::uint64_t sequence) {
  std::string out(kFeedKeys);
  put_u64(out, sequence);
  return out;
}

std::string print_event(Time when, const TableEvent& event) {
  std::string out;
  put_time(out, when);
  put_u8(out, static_cast<std::uint8_t>(event.cause));
  put_time(out, event.old_expires);
  put_time(out, event.new_expires);
  put_text(out, event.table);
  put_prefix(out, event.prefix);
  put_text(out, event.source);
  return out;
}

Result<FeedEntry> parse_event(std::string_view bytes) {
  Reader reader(bytes);
  FeedEntry entry;
  entry.when = reader.time();
  const auto cause = reader.u8();
  entry.event.cause = static_cast<TableCause>(cause);
  entry.event.old_expires = reader.time();
  entry.event.new_expires = reader.time();
  entry.event.table = reader.text();
  entry.event.prefix = reader.prefix();
  entry.event.source = reader.text();
  if (!reader.done() || cause > static_cast<std::uint8_t>(TableCause::expire)) return damaged("an entry of the change feed");
  return entry;
}

std::string length_key(std::string_view table, bool v4, int length) {
  std::string out(kLengthKeys);
  put_text(out, table);
  put_u8(out, v4 ? 4 : 6);
  put_u8(out, static_cast<std::uint8_t>(length));
  return out;
}

std::string count_key(std::string_view table) {
  std::string out(kCountKeys);
  put_text(out, table);
  return out;
}

std::string chunk_key(std::string_view kind, std::uint64_t first) {
  std::string out(kind);
  put_u64(out, first);
  return out;
}

std::uint32_t id_hash(std::string_view id) {  // FNV-1a: it is stored, so it must never change
  std::uint32_t hash = 2166136261U;
  for (char byte : id) hash = (hash ^ static_cast<unsigned char>(byte)) * 16777619U;
  return hash;
}

std::string print_chunk(std::span<const DecisionRecord> records) {
  std::size_t size = 0;
  for (const auto& record : records) size += kExpiryBytes + 2 * sizeof(std::uint32_t) + record.id.size() + record.packed.size();
  std::string out;
  out.reserve(size);
  for (const auto& record : records) {
    put_time(out, record.when);
    put_text(out, record.id);
    put_u32(out, static_cast<std::uint32_t>(record.packed.size()));
    out += record.packed;
  }
  return out;
}

Result<std::vector<DecisionRecord>> parse_chunk(std::string_view bytes) {
  Reader reader(bytes);
  std::vector<DecisionRecord> records;
  while (reader.ok() && !reader.rest().empty()) {
    DecisionRecord record;
    record.when = reader.time();
    record.id = reader.text();
    record.packed = reader.bytes(reader.u32());
    records.push_back(std::move(record));
  }
  if (!reader.ok()) return damaged("a decision record");
  return records;
}

std::string print_u64(std::uint64_t value) {
  std::string out;
  put_u64(out, value);
  return out;
}

Result<std::uint64_t> parse_u64(std::string_view bytes) {
  Reader reader(bytes);
  const auto value = reader.u64();
  if (!reader.done()) return damaged("a number");
  return value;
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (char byte : bytes) {
    out.push_back(kDigits[static_cast<unsigned char>(byte) >> 4]);
    out.push_back(kDigits[static_cast<unsigned char>(byte) & 15]);
  }
  return out;
}

std::optional<std::string> from_hex(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high << 4 | low));
  }
  return out;
}

}  // namespace deferd::store
