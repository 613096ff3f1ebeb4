#include "store/table_store.h"

#include <algorithm>

namespace deferd::store {
namespace {

constexpr auto kRefreshPeriod = std::chrono::hours{1};
constexpr std::size_t kMaxTable = 64;
constexpr std::size_t kMaxText = 1'024;
constexpr std::size_t kExpirePerSweep = 2'000;
constexpr std::size_t kRowsPerBatch = 500;  // others wait for the lock meanwhile, some milliseconds

bool holds(const std::optional<TableRow>& row, Time now) { return row && row->expires > now; }

Result<void> check_table(std::string_view table) {
  if (table.empty() || table.size() > kMaxTable)
    return fail(Errc::invalid, "the name of a table has 1 to " + std::to_string(kMaxTable) + " bytes");
  return {};
}

void cut(std::string& text) {
  if (text.size() > kMaxText) text.resize(kMaxText);
}

/// How many of the rows go into the first batch: none of a prefix that it has already.
std::size_t first_batch(std::span<const TableRow> rows) {
  std::set<Prefix> seen;
  std::size_t count = 0;
  while (count < rows.size() && count < kRowsPerBatch && seen.insert(rows[count].prefix).second) ++count;
  return count;
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

Result<std::vector<StoredRow>> TableStore::stored(std::string_view table, std::span<const Prefix> prefixes) {
  if (auto good = check_table(table); !good) return tl::unexpected(good.error());
  if (prefixes.empty()) return std::vector<StoredRow>{};
  std::vector<std::string> keys;
  keys.reserve(prefixes.size());
  for (const auto& prefix : prefixes) keys.push_back(row_key(table, prefix));
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  std::vector<std::optional<std::string>> values;
  if (auto got = kv_.get(Family::tables, views, values); !got) return tl::unexpected(got.error());

  std::vector<StoredRow> rows(prefixes.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!values[i]) continue;
    auto row = parse_row(prefixes[i], *values[i]);
    if (!row) return tl::unexpected(row.error());
    rows[i] = std::move(*row);
  }
  return rows;
}

Result<std::vector<std::optional<TableRow>>> TableStore::rows_at(std::string_view table, std::span<const Prefix> prefixes) {
  auto found = stored(table, prefixes);
  if (!found) return tl::unexpected(found.error());
  const Time now = clock_.now();
  std::vector<std::optional<TableRow>> rows(prefixes.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (auto& row = (*found)[i].row; holds(row, now)) rows[i] = std::move(row);
  return rows;
}

Result<TableStore::Edit> TableStore::edit(std::string_view table, const Prefix& prefix) {
  auto before = stored(table, {&prefix, 1});
  if (!before) return tl::unexpected(before.error());
  return Edit{prefix, before->front(), before->front()};
}

void TableStore::tell(Work& work, const Edit& edit, TableCause cause, std::string_view source) {
  TableEvent event;
  event.table = work.table;
  event.prefix = edit.prefix;
  event.cause = cause;
  if (cause != TableCause::add) event.old_expires = edit.before.row->expires;
  if (cause == TableCause::add || cause == TableCause::refresh) event.new_expires = edit.after.row->expires;
  event.source = source;
  feed_.append(work.batch, work.now, event);
}

/// A row that is over but not swept yet ends now, with its event, before something new takes its place.
void TableStore::tell_if_over(Work& work, const Edit& edit) {
  if (edit.before.row && !holds(edit.before.row, work.now)) tell(work, edit, TableCause::expire, edit.before.row->source);
}

void TableStore::stage(Work& work, const Edit& edit) {
  std::string key = row_key(work.table, edit.prefix);
  for (auto* index_of : {index_of_row, index_of_revocation}) {
    auto before = index_of(edit.before, key), after = index_of(edit.after, key);
    if (before == after) continue;
    if (before) work.batch.erase(Family::tables, std::move(*before));
    if (!after) continue;
    work.index_from = std::min(work.index_from, *after);
    work.batch.put(Family::tables, std::move(*after), {});
  }
  if (edit.after.row || edit.after.revoked != Time{}) {
    if (work.lengths.emplace(edit.prefix.address().is_v4(), edit.prefix.length()).second)
      lengths_.add(work.batch, work.table, edit.prefix);
    work.batch.put(Family::tables, std::move(key), print_row(edit.after));
  } else {
    work.batch.erase(Family::tables, std::move(key));
  }
  work.more_rows += (edit.after.row ? 1 : 0) - (edit.before.row ? 1 : 0);
}

Result<void> TableStore::write(Work& work) {
  auto& rows = counts_.try_emplace(std::string(work.table), 0).first->second;
  const auto counted = std::max<std::int64_t>(0, static_cast<std::int64_t>(rows) + work.more_rows);
  if (work.more_rows != 0) work.batch.put(Family::tables, count_key(work.table), print_u64(static_cast<std::uint64_t>(counted)));
  if (auto written = kv_.write(work.batch.writes()); !written) return written;
  feed_.committed();
  rows = static_cast<std::uint64_t>(counted);
  index_from_ = std::move(work.index_from);
  return {};
}

Result<void> TableStore::save(Work& work, const Edit& edit) {
  stage(work, edit);
  return write(work);
}

Result<void> TableStore::put(std::string_view table, const TableRow& row) {
  return put_some(table, {&row, 1}, [](const std::optional<TableRow>&, const TableRow& given) { return std::optional(given); });
}

Result<void> TableStore::put_all(std::string_view table, std::span<const TableRow> rows, const Engine::Decide& decide) {
  while (!rows.empty()) {
    const auto count = first_batch(rows);
    if (auto done = put_some(table, rows.first(count), decide); !done) return done;
    rows = rows.subspan(count);
  }
  return {};
}

Result<void> TableStore::put_some(std::string_view table, std::span<const TableRow> rows, const Engine::Decide& decide) {
  std::vector<Prefix> prefixes;
  prefixes.reserve(rows.size());
  for (const auto& row : rows) prefixes.push_back(row.prefix);
  const std::lock_guard lock(mutex_);
  const Time now = clock_.now();
  auto before = stored(table, prefixes);
  if (!before) return tl::unexpected(before.error());
  auto work = begin(table, now);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Edit edit{prefixes[i], (*before)[i], std::move((*before)[i])};
    const auto& there = edit.before.row;
    if (auto row = decide(holds(there, now) ? there : std::nullopt, rows[i])) replace(work, edit, std::move(*row));
  }
  return work.batch.empty() ? Result<void>{} : write(work);
}

/// Unless what is there is as good.
void TableStore::replace(Work& work, Edit& edit, TableRow row) {
  cut(row.source);
  cut(row.evidence);
  cut(row.note);
  if (row.added == Time{}) row.added = work.now;
  const auto& old = edit.before.row;
  const bool replaces = holds(old, work.now);
  if (replaces && old->source == row.source && old->note == row.note) {
    const auto [earlier, later] = std::minmax(old->expires, row.expires);
    if (later == earlier || (later != Time::max() && later - earlier < kRefreshPeriod && !runs_out(*old, work.now))) return;
  }
  tell_if_over(work, edit);
  edit.after.row = std::move(row);
  edit.after.written = work.now;
  tell(work, edit, replaces ? TableCause::refresh : TableCause::add, edit.after.row->source);
  stage(work, edit);
}

Result<bool> TableStore::refresh(std::string_view table, const Prefix& prefix, Time expires) {
  const std::lock_guard lock(mutex_);
  const Time now = clock_.now();
  auto change = edit(table, prefix);
  if (!change) return tl::unexpected(change.error());
  const auto& old = change->before.row;
  if (!holds(old, now)) return false;
  const auto age = now - change->before.written;  // below zero after the clock was set back
  if (expires <= old->expires || (age >= Duration{0} && age < kRefreshPeriod && !runs_out(*old, now))) return true;
  change->after.row->expires = expires;
  change->after.written = now;
  auto work = begin(table, now);
  tell(work, *change, TableCause::refresh, old->source);
  if (auto saved = save(work, *change); !saved) return tl::unexpected(saved.error());
  return true;
}

Result<bool> TableStore::erase(std::string_view table, const Prefix& prefix, std::string_view source) {
  const std::lock_guard lock(mutex_);
  const Time now = clock_.now();
  auto change = edit(table, prefix);
  if (!change) return tl::unexpected(change.error());
  const bool held = holds(change->before.row, now);
  auto work = begin(table, now);
  if (held)
    tell(work, *change, TableCause::remove, source);
  else
    tell_if_over(work, *change);
  change->after.row.reset();
  change->after.revoked = now;
  if (auto saved = save(work, *change); !saved) return tl::unexpected(saved.error());
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
  auto change = key ? edit(key->table, key->prefix) : tl::unexpected(key.error());
  if (!change && change.error().code != Errc::corrupt) return tl::unexpected(change.error());

  auto work = begin(key ? key->table : std::string_view{}, now);
  bool expired = false;
  if (change && entry->what == Ends::row && index_of_row(change->before, entry->row_key) == index_entry) {
    tell(work, *change, TableCause::expire, change->before.row->source);
    change->after.row.reset();
    expired = true;
  } else if (change && entry->what == Ends::revocation && index_of_revocation(change->before, entry->row_key) == index_entry) {
    change->after.revoked = Time{};
  } else {  // Leads nowhere: a damaged database. The sweep must not stop here for ever.
    work.batch.erase(Family::tables, std::string(index_entry));
    if (auto written = kv_.write(work.batch.writes()); !written) return tl::unexpected(written.error());
    return false;
  }
  if (auto saved = save(work, *change); !saved) return tl::unexpected(saved.error());
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
