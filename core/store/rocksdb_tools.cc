// Check, repair and restore: what is done with a database nobody has open.
#include <rocksdb/env.h>
#include <rocksdb/utilities/backup_engine.h>

#include <filesystem>
#include <map>

#include "store/encoding.h"
#include "store/feed.h"
#include "store/rocksdb_engine.h"
#include "store/rocksdb_kv.h"
#include "store/rocksdb_options.h"

namespace deferd {
namespace store {
namespace {

constexpr std::size_t kMaxProblems = 100;

std::string_view view(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

/// Holds the lock a running deferd would hold.
class FolderLock {
 public:
  ~FolderLock() {
    if (lock_ != nullptr) rocksdb::Env::Default()->UnlockFile(lock_).PermitUncheckedError();
  }
  Result<void> take(const std::string& path) {
    if (!std::filesystem::exists(std::filesystem::path(path) / "CURRENT"))
      return fail(Errc::io, "there is no database in " + path);
    const auto locked = rocksdb::Env::Default()->LockFile(path + "/LOCK", &lock_);
    if (!locked.ok()) return tl::unexpected(open_error(path, locked));
    return {};
  }

 private:
  rocksdb::FileLock* lock_ = nullptr;
};

/// When something of a row ends, as its index entries should say.
std::vector<std::string> index_entries(const StoredRow& stored, std::string_view key) {
  std::vector<std::string> entries;
  for (auto* index_of : {index_of_row, index_of_revocation})
    if (auto entry = index_of(stored, key)) entries.push_back(std::move(*entry));
  return entries;
}

/// Goes through every entry of an open database and tells what is wrong with it.
class Inspection {
 public:
  using Wrong = std::function<void(Family, std::string_view key, std::string what)>;
  Inspection(const OpenDb& open, Wrong wrong) : open_(open), wrong_(std::move(wrong)) {}

  void run() {
    records();
    tables();
    decisions();
  }

  CheckReport report;
  std::map<std::string, std::uint64_t> rows;  ///< By table.
  std::vector<std::string> missing_index;

 private:
  void each(Family family, const std::function<void(std::string_view key, std::string_view value)>& visit) {
    rocksdb::ReadOptions options;
    options.fill_cache = false;
    const std::unique_ptr<rocksdb::Iterator> it(open_.db->NewIterator(options, open_.of(family)));
    for (it->SeekToFirst(); it->Valid(); it->Next()) visit(view(it->key()), view(it->value()));
    if (!it->status().ok()) wrong_(family, {}, it->status().ToString());
  }

  void records() {
    each(Family::records, [&](std::string_view key, std::string_view value) {
      ++report.records;
      const auto space = key.substr(0, key.empty() ? 0 : 1 + static_cast<std::size_t>(static_cast<unsigned char>(key[0])));
      if (!parse_record_key(space, key)) wrong_(Family::records, key, "the key of a record is damaged: " + to_hex(key));
      if (value.size() < kExpiryBytes) wrong_(Family::records, key, "a record is too short: " + to_hex(key));
    });
  }

  void tables() {
    each(Family::tables, [&](std::string_view key, std::string_view value) {
      const auto kind = key.substr(0, 1);
      if (kind == kRowKeys) return row(key, value);
      if (kind == kIndexKeys) return index(key);
      if (kind == kFeedKeys) {
        ++report.events;
        if (!parse_event(value)) wrong_(Family::tables, key, "an entry of the change feed is damaged: " + to_hex(key));
      }
    });
  }

  void row(std::string_view key, std::string_view value) {
    const auto parsed = parse_row_key(key);
    const auto stored = parsed ? parse_row(parsed->prefix, value) : tl::unexpected(parsed.error());
    if (!stored) return wrong_(Family::tables, key, "a table row is damaged: " + to_hex(key));
    if (stored->row) {
      ++report.rows;
      ++rows[std::string(parsed->table)];
    }
    for (auto& entry : index_entries(*stored, key)) {
      rocksdb::PinnableSlice ignored;
      if (open_.db->Get({}, open_.of(Family::tables), slice(entry), &ignored).ok()) continue;
      wrong_(Family::tables, {}, "the row of " + parsed->prefix.to_string() + " is not in the expiry index: it would never end");
      missing_index.push_back(std::move(entry));
    }
  }

  void index(std::string_view key) {
    const auto entry = parse_index_key(key);
    const auto row = entry ? parse_row_key(entry->row_key) : tl::unexpected(entry.error());
    if (!row) return wrong_(Family::tables, key, "an entry of the expiry index is damaged: " + to_hex(key));
    std::string value;
    const bool there = open_.db->Get({}, open_.of(Family::tables), slice(entry->row_key), &value).ok();
    const auto stored = there ? parse_row(row->prefix, value) : Result<StoredRow>(StoredRow{});
    if (!stored) return;  // told as a damaged row
    const auto entries = index_entries(*stored, entry->row_key);
    if (std::find(entries.begin(), entries.end(), key) == entries.end())
      wrong_(Family::tables, key, "an entry of the expiry index leads nowhere: " + row->prefix.to_string());
  }

  void decisions() {
    each(Family::decisions, [&](std::string_view key, std::string_view value) {
      if (key.substr(0, 1) != kChunkKeys) return;
      const auto records = parse_chunk(value);
      if (records)
        report.decisions += records->size();
      else
        wrong_(Family::decisions, key, "decision records are damaged: " + to_hex(key));
    });
  }

  const OpenDb& open_;
  const Wrong wrong_;
};

Result<void> rebuild(const std::string& path) {
  auto open = open_database(path, database_options(nullptr), family_descriptors({path}, nullptr), false);
  if (!open) return tl::unexpected(open.error());
  rocksdb::WriteBatch batch;
  Inspection inspection(*open, [&](Family family, std::string_view key, const std::string&) {
    if (!key.empty()) batch.Delete(open->of(family), slice(key));
  });
  inspection.run();

  auto* tables = open->of(Family::tables);
  for (const auto& entry : inspection.missing_index) batch.Put(tables, entry, {});
  const std::unique_ptr<rocksdb::Iterator> counts(open->db->NewIterator({}, tables));
  for (counts->Seek(slice(kCountKeys)); counts->Valid() && counts->key().starts_with(slice(kCountKeys)); counts->Next())
    batch.Delete(tables, counts->key());
  for (const auto& [table, rows] : inspection.rows) batch.Put(tables, count_key(table), print_u64(rows));
  const std::unique_ptr<rocksdb::Iterator> rows(open->db->NewIterator({}, tables));
  for (rows->Seek(slice(kRowKeys)); rows->Valid() && rows->key().starts_with(slice(kRowKeys)); rows->Next())
    if (const auto key = parse_row_key(view(rows->key())))
      batch.Put(tables, length_key(key->table, key->prefix.address().is_v4(), key->prefix.length()), {});
  batch.Put(tables, slice(kFormatKey), print_u64(kFormat));

  rocksdb::WriteOptions synced;
  synced.sync = true;
  const auto written = open->db->Write(synced, &batch);
  if (!written.ok()) return tl::unexpected(error_of(written));
  return {};
}

Result<void> forget_cursors(const std::string& path) {
  auto kv = open_rocksdb_kv({path});
  if (!kv) return tl::unexpected(kv.error());
  return rename_feed(**kv);
}

}  // namespace
}  // namespace store

Result<CheckReport> check_rocksdb(const std::string& path) {
  using namespace store;
  FolderLock lock;
  if (auto locked = lock.take(path); !locked) return tl::unexpected(locked.error());
  auto options = database_options(nullptr);
  options.create_if_missing = options.create_missing_column_families = false;
  auto open = open_database(path, options, family_descriptors({path}, nullptr), true);
  if (!open && open.error().code == Errc::corrupt) {
    CheckReport report;
    report.problems.push_back(open.error().what);
    return report;
  }
  if (!open) return tl::unexpected(open.error());

  std::vector<std::string> problems;
  const auto sums = open->db->VerifyChecksum();
  if (!sums.ok()) problems.push_back("a file is damaged: " + sums.ToString());
  Inspection inspection(*open, [&](Family, std::string_view, std::string what) {
    if (problems.size() < kMaxProblems) problems.push_back(std::move(what));
  });
  inspection.run();
  inspection.report.problems = std::move(problems);
  return std::move(inspection.report);
}

Result<void> repair_rocksdb(const std::string& path) {
  using namespace store;
  if (!std::filesystem::is_directory(path)) return fail(Errc::io, "there is no database in " + path);
  auto families = family_descriptors({path}, nullptr);
  const auto repaired = rocksdb::RepairDB(path, database_options(nullptr), families, families[0].options);
  if (!repaired.ok()) {
    auto error = open_error(path, repaired);
    if (error.code == Errc::corrupt) error = {Errc::io, "cannot repair " + path + ": " + repaired.ToString()};
    return tl::unexpected(std::move(error));
  }
  if (auto rebuilt = rebuild(path); !rebuilt) return rebuilt;
  return forget_cursors(path);
}

Result<void> restore_rocksdb(const std::string& backup_dir, const std::string& path) {
  using namespace store;
  std::error_code ignored;
  if (!std::filesystem::is_directory(backup_dir, ignored)) return fail(Errc::invalid, "there is no backup in " + backup_dir);
  if (std::filesystem::exists(path, ignored) && !std::filesystem::is_empty(path, ignored))
    return fail(Errc::invalid, path + " is not empty: restore into a new folder, or move the old database away first");

  rocksdb::BackupEngineReadOnly* raw = nullptr;
  auto status = rocksdb::BackupEngineReadOnly::Open(rocksdb::Env::Default(), rocksdb::BackupEngineOptions(backup_dir), &raw);
  const std::unique_ptr<rocksdb::BackupEngineReadOnly> engine(raw);
  if (!status.ok()) return fail(Errc::invalid, "there is no backup in " + backup_dir + ": " + status.ToString());
  std::vector<rocksdb::BackupInfo> backups;
  engine->GetBackupInfo(&backups);
  if (backups.empty()) return fail(Errc::invalid, "there is no backup in " + backup_dir);

  if (auto ready = prepare_folder(path); !ready) return ready;
  status = engine->RestoreDBFromLatestBackup(path, path);
  if (!status.ok()) return fail(error_of(status).code, "restore from " + backup_dir + ": " + error_of(status).what);
  return forget_cursors(path);
}

}  // namespace deferd
