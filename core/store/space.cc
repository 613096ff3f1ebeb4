#include "store/space.h"

#include <algorithm>

#include "store/encoding.h"

namespace deferd::store {
namespace {

constexpr std::size_t kMaxKey = 1'200;
constexpr std::size_t kMaxValue = 64 * 1024;

std::uint64_t digest(const std::string& stored) {
  return std::max<std::uint64_t>(1, std::hash<std::string>{}(stored));  // 0: reads as absent
}

bool holds(const std::optional<std::string>& stored, std::int64_t now) { return stored && record_expires(*stored) > now; }

Result<void> check_sizes(std::string_view group, std::string_view key, std::size_t value) {
  if (group.size() > kMaxKey) return fail(Errc::invalid, "a group may have " + std::to_string(kMaxKey) + " bytes");
  if (key.size() > kMaxKey) return fail(Errc::invalid, "a key may have " + std::to_string(kMaxKey) + " bytes");
  if (value > kMaxValue) return fail(Errc::invalid, "a value may have " + std::to_string(kMaxValue) + " bytes");
  return {};
}

}  // namespace

Space::Space(Kv& kv, Stripes& stripes, const Clock& clock, std::string_view plugin)
    : kv_(kv), stripes_(stripes), clock_(clock), prefix_(space_prefix(plugin)) {}

template <class KeyAt>
void Space::encode(std::string_view group, std::size_t count, const KeyAt& key, std::string& buffer,
                   std::vector<std::string_view>& views) const {
  std::size_t size = buffer.size();
  for (std::size_t i = 0; i < count; ++i) size += prefix_.size() + group.size() + key(i).size() + 2;
  buffer.reserve(size);  // the views must not move
  for (std::size_t i = 0; i < count; ++i) {
    const auto start = buffer.size();
    put_record_key(buffer, prefix_, group, key(i));
    views.emplace_back(buffer.data() + start, buffer.size() - start);
  }
}

Result<std::vector<Record>> Space::read(std::string_view group, std::span<const std::string_view> keys) {
  for (auto key : keys)
    if (auto fits = check_sizes(group, key, 0); !fits) return tl::unexpected(fits.error());
  const auto epoch = stripes_.of(prefix_, group).commits.load();  // before the values, see Stripes

  std::string buffer;
  std::vector<std::string_view> encoded;
  encoded.reserve(keys.size());
  encode(
      group, keys.size(), [&](std::size_t i) { return keys[i]; }, buffer, encoded);
  std::vector<std::optional<std::string>> values;
  if (auto got = kv_.get(Family::records, encoded, values); !got) return tl::unexpected(got.error());

  const auto now = clock_.now().time_since_epoch().count();
  std::vector<Record> records(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    Record& record = records[i];
    record.version.epoch = epoch;
    if (!holds(values[i], now)) continue;
    if (values[i]->size() < kExpiryBytes)
      return fail(Errc::corrupt, "a record in the store is damaged; run: deferd --check-store -c FILE");
    record.version.digest = digest(*values[i]);
    record.expires = Time(Duration(record_expires(*values[i])));
    record.value = std::move(values[i]);
    record.value->resize(record.value->size() - kExpiryBytes);
  }
  return records;
}

Result<void> Space::check(std::string_view group, std::span<const Change> changes, std::uint64_t epoch) const {
  std::vector<const Change*> doubtful;
  for (const auto& change : changes)
    if (change.expected && change.expected->epoch != epoch) doubtful.push_back(&change);
  if (doubtful.empty()) return {};

  std::string buffer;
  std::vector<std::string_view> encoded;
  encode(
      group, doubtful.size(), [&](std::size_t i) { return std::string_view(doubtful[i]->key); }, buffer, encoded);
  std::vector<std::optional<std::string>> values;
  if (auto got = kv_.get(Family::records, encoded, values); !got) return got;
  const auto now = clock_.now().time_since_epoch().count();
  for (std::size_t i = 0; i < doubtful.size(); ++i)
    if (doubtful[i]->expected->digest != (holds(values[i], now) ? digest(*values[i]) : 0))
      return fail(Errc::conflict, "somebody else changed the record in between");
  return {};
}

Result<void> Space::commit(std::string_view group, std::span<const Change> changes) {
  std::size_t values_size = 0;
  for (const auto& change : changes) {
    const auto size = change.value ? change.value->size() : 0;
    if (auto fits = check_sizes(group, change.key, size); !fits) return fits;
    values_size += size + kExpiryBytes;
  }

  std::string buffer;
  std::vector<std::string_view> encoded;
  encoded.reserve(changes.size());
  std::string values;
  values.reserve(values_size);  // the views must not move
  std::vector<Write> writes;
  writes.reserve(changes.size());
  encode(
      group, changes.size(), [&](std::size_t i) { return std::string_view(changes[i].key); }, buffer, encoded);
  for (std::size_t i = 0; i < changes.size(); ++i) {
    Write write{Family::records, encoded[i], std::nullopt};
    if (changes[i].value) {
      const auto start = values.size();
      values += *changes[i].value;
      put_time(values, changes[i].expires);
      write.value = std::string_view(values).substr(start);
    }
    writes.push_back(write);
  }

  auto& stripe = stripes_.of(prefix_, group);
  const std::lock_guard lock(stripe.mutex);
  if (auto fresh = check(group, changes, stripe.commits.load()); !fresh) return fresh;
  auto written = kv_.write(writes);
  ++stripe.commits;  // only now: a reader that saw the old bytes must not hold the new count
  return written;
}

Result<ScanPage> Space::scan(std::string_view group_prefix, std::string_view cursor, std::size_t limit) {
  constexpr std::size_t kStepsPerPage = 20'000;  // over expired records too, so that a page takes bounded time
  const std::string first = prefix_ + std::string(group_prefix);
  std::string from = first;
  if (!cursor.empty()) {
    auto position = from_hex(cursor);
    if (!position || !position->starts_with(first)) return fail(Errc::invalid, "not a cursor of this scan");
    from = std::move(*position);
  }

  const auto now = clock_.now().time_since_epoch().count();
  ScanPage page;
  std::string next;
  std::size_t steps = 0;
  limit = std::max<std::size_t>(1, limit);
  auto scanned = kv_.scan(Family::records, from, after_prefix(first), false, [&](std::string_view key, std::string_view value) {
    if (page.records.size() >= limit || ++steps > kStepsPerPage) {
      next = key;
      return false;
    }
    // One damaged record must not hide the others; check_rocksdb() finds it.
    auto parsed = parse_record_key(prefix_, key);
    const auto expires = record_expires(value);
    if (!parsed || value.size() < kExpiryBytes || parsed->group.size() < group_prefix.size() || expires <= now) return true;
    page.records.push_back({std::string(parsed->group), std::string(parsed->key),
                            std::string(value.substr(0, value.size() - kExpiryBytes)), Time(Duration(expires))});
    return true;
  });
  if (!scanned) return tl::unexpected(scanned.error());
  page.cursor = to_hex(next);
  return page;
}

}  // namespace deferd::store
