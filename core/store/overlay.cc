#include "store/overlay.h"

#include <algorithm>
#include <limits>

namespace deferd {
namespace {

constexpr std::uint64_t kOverlayEpoch = std::numeric_limits<std::uint64_t>::max();

}  // namespace

Record OverlayStore::record_of(const Written& written) const {
  Record record;
  record.version = {kOverlayEpoch, written.number};
  if (!written.value || written.expires <= clock_.now()) return record;
  record.value = written.value;
  record.expires = written.expires;
  return record;
}

Result<std::vector<Record>> OverlayStore::read(std::string_view group, std::span<const std::string_view> keys) {
  auto records = base_.read(group, keys);
  if (!records) return records;
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (const auto found = written_.find({std::string(group), std::string(keys[i])}); found != written_.end())
      (*records)[i] = record_of(found->second);
  return records;
}

Result<void> OverlayStore::commit(std::string_view group, std::span<const Change> changes) {
  const std::lock_guard lock(mutex_);
  for (const auto& change : changes) {
    if (!change.expected) continue;
    const auto found = written_.find({std::string(group), change.key});
    const bool ours = change.expected->epoch == kOverlayEpoch;
    if (found == written_.end() ? ours : !ours || change.expected->digest != found->second.number)
      return fail(Errc::conflict, "somebody else changed the record in between");
  }
  for (const auto& change : changes) {
    Key key(std::string(group), change.key);
    written_[key] = {change.value, change.expires, next_};
    order_.emplace_back(std::move(key), next_++);
  }
  while (order_.size() > capacity_) {
    const auto& [key, number] = order_.front();
    if (const auto found = written_.find(key); found != written_.end() && found->second.number == number) written_.erase(found);
    order_.pop_front();
  }
  return {};
}

Result<ScanPage> OverlayStore::scan(std::string_view group_prefix, std::string_view cursor, std::size_t limit) {
  auto page = base_.scan(group_prefix, cursor, limit);
  if (!page) return page;
  const std::lock_guard lock(mutex_);
  std::erase_if(page->records, [&](const ScannedRecord& record) { return written_.contains({record.group, record.key}); });
  if (!page->cursor.empty()) return page;
  for (const auto& [key, written] : written_) {
    auto record = record_of(written);
    if (record.value && key.first.starts_with(group_prefix))
      page->records.push_back({key.first, key.second, std::move(*record.value), record.expires});
  }
  return page;
}

Result<TableMatch> OverlayTables::find(std::string_view table, const Address& client) {
  auto match = base_.find(table, client);
  if (!match) return match;
  const std::lock_guard lock(mutex_);
  const auto changed = changed_.find(table);
  if (changed == changed_.end()) return match;
  const Time now = clock_.now();
  if (match->row && changed->second.contains(match->row->prefix)) match->row.reset();
  for (int length = client.bits(); length >= 0; --length) {
    const auto found = changed->second.find(Prefix(client, length));
    if (found == changed->second.end()) continue;
    match->revoked = std::max(match->revoked, found->second.revoked);
    const auto& row = found->second.row;
    if (row && row->expires > now && (!match->row || match->row->prefix.length() < length)) match->row = row;
  }
  return match;
}

Result<std::optional<TableRow>> OverlayTables::current(std::string_view table, const Prefix& prefix) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto changed = changed_.find(table); changed != changed_.end())
      if (const auto found = changed->second.find(prefix); found != changed->second.end()) {
        const bool over = found->second.row && found->second.row->expires <= clock_.now();
        return over ? std::nullopt : found->second.row;
      }
  }
  auto match = base_.find(table, prefix.address());
  if (!match) return tl::unexpected(match.error());
  if (match->row && match->row->prefix != prefix) match->row.reset();
  return std::move(match->row);
}

void OverlayTables::change(std::string_view table, const Prefix& prefix, std::optional<TableRow> row,
                           std::optional<Time> revoked) {
  const std::lock_guard lock(mutex_);
  auto& rows = changed_.try_emplace(std::string(table)).first->second;
  if (rows.size() >= kCapacity && !rows.contains(prefix)) rows.erase(rows.begin());
  auto& changed = rows[prefix];
  changed.row = std::move(row);
  if (revoked) changed.revoked = *revoked;
}

Result<void> OverlayTables::put(std::string_view table, const TableRow& row) {
  change(table, row.prefix, row, std::nullopt);
  return {};
}

Result<bool> OverlayTables::refresh(std::string_view table, const Prefix& prefix, Time expires) {
  auto row = current(table, prefix);
  if (!row) return tl::unexpected(row.error());
  if (!*row) return false;
  if (expires > (*row)->expires) {
    (*row)->expires = expires;
    change(table, prefix, std::move(*row), std::nullopt);
  }
  return true;
}

Result<bool> OverlayTables::erase(std::string_view table, const Prefix& prefix, std::string_view) {
  auto row = current(table, prefix);
  if (!row) return tl::unexpected(row.error());
  change(table, prefix, std::nullopt, clock_.now());
  return row->has_value();
}

Result<TablePage> OverlayTables::scan(std::string_view table, std::string_view cursor, std::size_t limit) {
  auto page = base_.scan(table, cursor, limit);
  if (!page) return page;
  const std::lock_guard lock(mutex_);
  const auto changed = changed_.find(table);
  if (changed == changed_.end()) return page;
  std::erase_if(page->rows, [&](const TableRow& row) { return changed->second.contains(row.prefix); });
  if (!page->cursor.empty()) return page;
  for (const auto& [prefix, change] : changed->second)
    if (change.row && change.row->expires > clock_.now()) page->rows.push_back(*change.row);
  return page;
}

}  // namespace deferd
