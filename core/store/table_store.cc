#include "store/table_store.h"

#include <algorithm>

namespace deferd::store {
namespace {

constexpr auto kRefreshPeriod = std::chrono::hours{1};
constexpr std::size_t kMaxTable = 64;
constexpr std::size_t kMaxText = 1'024;
constexpr std::size_t kExpirePerSweep = 2'000;

bool holds(const std::optional<TableRow>& row, Time now) { return row && row->expires > now; }

Result<void> check_table(std::string_view table) {
  if (table.empty() || table.size() > kMaxTable)
    return fail(Errc::invalid, "the name of a table has 1 to " + std::to_string(kMaxTable) + " bytes");
  return {};
}

void cut(std::string& text) {
  if (text.size() > kMaxText) text.resize(kMaxText);
}

/// A row with less than a period left is written at once: else an active client would lose it between two refreshes.
bool runs_out(const TableRow& row, Time now) { return row.expires < now + kRefreshPeriod; }

}  // namespace

Result<void> TableStore::open() {
  if (auto opened = LengthsInUse::open(kv_, lengths_); !opened) return opened;
  if (auto opened = Feed::open(kv_, feed_); !opened) return opened;
  return kv_.scan(Family::tables, kCountKeys, after_prefix(std::string(kCountKeys)), false,
                  [&](std::string_view key, std::string_view value) {
                    Reader name(key.substr(kCountKeys.size()));
                    counts_[std::string(name.text())] = parse_u64(value).value_or(0);
                    return true;
                  });
}

Result<TableMatch> TableStore::find(std::string_view table, const Address& client) {
  TableMatch match;
  const auto lengths = lengths_.of(table, client.is_v4());
  if (lengths.empty()) return match;
  std::vector<std::string> keys;
  keys.reserve(lengths.size());
  for (int length : lengths) keys.push_back(row_key(table, Prefix(client, length)));
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  std::vector<std::optional<std::string>> values;
  if (auto got = kv_.get(Family::tables, views, values); !got) return tl::unexpected(got.error());

  const Time now = clock_.now();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!values[i]) continue;
    auto stored = parse_row(Prefix(client, lengths[i]), *values[i]);
    if (!stored) return tl::unexpected(stored.error());
    if (!match.row && holds(stored->row, now)) match.row = std::move(stored->row);
    if (stored->revoked + kRevocationKept > now) match.revoked = std::max(match.revoked, stored->revoked);
  }
  return match;
}

Result<TableStore::Edit> TableStore::edit(std::string_view table, const Prefix& prefix, Time now) {
  if (auto good = check_table(table); !good) return tl::unexpected(good.error());
  Edit edit{table, prefix, now, {}, {}, {}};
  auto value = get_one(kv_, Family::tables, row_key(table, prefix));
  if (!value) return tl::unexpected(value.error());
  if (*value) {
    auto stored = parse_row(prefix, **value);
    if (!stored) return tl::unexpected(stored.error());
    edit.before = edit.after = std::move(*stored);
  }
  return edit;
}

void TableStore::tell(Edit& edit, TableCause cause, std::string_view source) {
  TableEvent event;
  event.table = edit.table;
  event.prefix = edit.prefix;
  event.cause = cause;
  if (cause != TableCause::add) event.old_expires = edit.before.row->expires;
  if (cause == TableCause::add || cause == TableCause::refresh) event.new_expires = edit.after.row->expires;
  event.source = source;
  feed_.append(edit.batch, edit.now, event);
}

/// A row that is over but not swept yet ends now, with its event, before something new takes its place.
void TableStore::tell_if_over(Edit& edit) {
  if (edit.before.row && !holds(edit.before.row, edit.now)) tell(edit, TableCause::expire, edit.before.row->source);
}

Result<void> TableStore::save(Edit& edit) {
  const std::string key = row_key(edit.table, edit.prefix);
  std::string earliest = index_from_;
  for (auto* index_of : {index_of_row, index_of_revocation}) {
    const auto before = index_of(edit.before, key), after = index_of(edit.after, key);
    if (before == after) continue;
    if (before) edit.batch.erase(Family::tables, *before);
    if (after) {
      earliest = std::min(earliest, *after);
      edit.batch.put(Family::tables, *after, {});
    }
  }
  if (edit.after.row || edit.after.revoked != Time{}) {
    lengths_.add(edit.batch, edit.table, edit.prefix);
    edit.batch.put(Family::tables, key, print_row(edit.after));
  } else {
    edit.batch.erase(Family::tables, key);
  }
  auto count = counts_.try_emplace(std::string(edit.table), 0).first;
  std::uint64_t rows = count->second;
  if (edit.after.row && !edit.before.row) ++rows;
  if (edit.before.row && !edit.after.row && rows > 0) --rows;
  if (rows != count->second) edit.batch.put(Family::tables, count_key(edit.table), print_u64(rows));

  if (auto written = kv_.write(edit.batch.writes()); !written) return written;
  feed_.committed();
  count->second = rows;
  index_from_ = std::move(earliest);
  return {};
}

Result<void> TableStore::put(std::string_view table, const TableRow& given) {
  TableRow row = given;
  cut(row.source);
  cut(row.evidence);
  cut(row.note);
  const std::lock_guard lock(mutex_);
  const Time now = clock_.now();
  if (row.added == Time{}) row.added = now;
  auto change = edit(table, row.prefix, now);
  if (!change) return tl::unexpected(change.error());

  const auto& old = change->before.row;
  const bool replaces = holds(old, now);
  if (replaces && old->source == row.source && old->note == row.note) {
    const auto [earlier, later] = std::minmax(old->expires, row.expires);
    if (later == earlier || (later != Time::max() && later - earlier < kRefreshPeriod && !runs_out(*old, now))) return {};
  }
  tell_if_over(*change);
  change->after.row = std::move(row);
  change->after.written = now;
  tell(*change, replaces ? TableCause::refresh : TableCause::add, change->after.row->source);
  return save(*change);
}

Result<bool> TableStore::refresh(std::string_view table, const Prefix& prefix, Time expires) {
  const std::lock_guard lock(mutex_);
  const Time now = clock_.now();
  auto change = edit(table, prefix, now);
  if (!change) return tl::unexpected(change.error());
  const auto& old = change->before.row;
  if (!holds(old, now)) return false;
  const auto age = now - change->before.written;  // below zero after the clock was set back
  if (expires <= old->expires || (age >= Duration{0} && age < kRefreshPeriod && !runs_out(*old, now))) return true;
  change->after.row->expires = expires;
  change->after.written = now;
  tell(*change, TableCause::refresh, old->source);
  if (auto saved = save(*change); !saved) return tl::unexpected(saved.error());
  return true;
}

Result<bool> TableStore::erase(std::string_view table, const Prefix& prefix, std::string_view source) {
  const std::lock_guard lock(mutex_);
  const Time now = clock_.now();
  auto change = edit(table, prefix, now);
  if (!change) return tl::unexpected(change.error());
  const bool held = holds(change->before.row, now);
  if (held)
    tell(*change, TableCause::remove, source);
  else
    tell_if_over(*change);
  change->after.row.reset();
  change->after.revoked = now;
  if (auto saved = save(*change); !saved) return tl::unexpected(saved.error());
  return held;
}

Result<TablePage> TableStore::scan(std::string_view table, std::string_view cursor, std::size_t limit) {
  constexpr std::size_t kStepsPerPage = 20'000;  // over rows that are over too, so that a page takes bounded time
  if (auto good = check_table(table); !good) return tl::unexpected(good.error());
  const std::string first = row_prefix(table);
  std::string from = first;
  if (!cursor.empty()) {
    auto position = from_hex(cursor);
    if (!position || !position->starts_with(first)) return fail(Errc::invalid, "not a cursor of this scan");
    from = std::move(*position);
  }
  const Time now = clock_.now();
  TablePage page;
  std::string next;
  std::size_t steps = 0;
  limit = std::max<std::size_t>(1, limit);
  auto scanned = kv_.scan(Family::tables, from, after_prefix(first), false, [&](std::string_view key, std::string_view value) {
    if (page.rows.size() >= limit || ++steps > kStepsPerPage) {
      next = key;
      return false;
    }
    // One damaged row must not hide the others; check_rocksdb() finds it.
    const auto parsed = parse_row_key(key);
    if (!parsed) return true;
    auto stored = parse_row(parsed->prefix, value);
    if (stored && holds(stored->row, now)) page.rows.push_back(std::move(*stored->row));
    return true;
  });
  if (!scanned) return tl::unexpected(scanned.error());
  page.cursor = to_hex(next);
  return page;
}

/// True if a row expired.
Result<bool> TableStore::end(std::string_view index_entry, Time now) {
  const auto entry = parse_index_key(index_entry);
  const auto key = entry ? parse_row_key(entry->row_key) : tl::unexpected(entry.error());
  auto change = key ? edit(key->table, key->prefix, now) : tl::unexpected(key.error());
  if (!change && change.error().code != Errc::corrupt) return tl::unexpected(change.error());

  bool expired = false;
  if (change && entry->what == Ends::row && index_of_row(change->before, entry->row_key) == index_entry) {
    tell(*change, TableCause::expire, change->before.row->source);
    change->after.row.reset();
    expired = true;
  } else if (change && entry->what == Ends::revocation && index_of_revocation(change->before, entry->row_key) == index_entry) {
    change->after.revoked = Time{};
  } else {  // Leads nowhere: a damaged database. The sweep must not stop here for ever.
    Batch batch;
    batch.erase(Family::tables, std::string(index_entry));
    if (auto written = kv_.write(batch.writes()); !written) return tl::unexpected(written.error());
    return false;
  }
  if (auto saved = save(*change); !saved) return tl::unexpected(saved.error());
  return expired;
}

Result<std::size_t> TableStore::expire(Time now) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> over;
  const std::string from = std::max(index_from_, std::string(kIndexKeys));
  const std::string to = index_key(now + Duration{1}, Ends{0}, {});
  auto scanned = kv_.scan(Family::tables, from, to, false, [&](std::string_view key, auto) {
    over.emplace_back(key);
    return over.size() < kExpirePerSweep;
  });
  if (!scanned) return tl::unexpected(scanned.error());

  std::size_t expired = 0;
  for (const auto& entry : over) {
    auto ended = end(entry, now);
    if (!ended) return tl::unexpected(ended.error());
    expired += *ended ? 1 : 0;
    index_from_ = std::max(index_from_, entry);
  }
  return expired;
}

Result<void> TableStore::trim_feed(Time now, bool by_age) {
  const std::lock_guard lock(mutex_);
  return feed_.trim(kv_, feed_limits_, now, by_age);
}

std::uint64_t TableStore::rows(std::string_view table) {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(table);
  return found == counts_.end() ? 0 : found->second;
}

}  // namespace deferd::store
