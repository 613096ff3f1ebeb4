#include "store/rocksdb_kv.h"

#include <fcntl.h>
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/backup_engine.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <boost/container/small_vector.hpp>
#include <cerrno>
#include <condition_variable>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <mutex>
#include <thread>

#include "store/encoding.h"
#include "store/kv_engine.h"
#include "store/rocksdb_options.h"
#include "store/uninstrumented.h"

namespace deferd::store {

bool DropExpired::Filter(int, const rocksdb::Slice&, const rocksdb::Slice& value, std::string*, bool*) const {
  return record_expires({value.data(), value.size()}) < cutoff_.load(std::memory_order_relaxed);
}

namespace {

/// RocksDB's warnings in our log. Its own log file is not used: where it cannot be written (a full disk), the process ends.
class Warnings : public rocksdb::Logger {
 public:
  explicit Warnings(Log* log) : Logger(rocksdb::InfoLogLevel::WARN_LEVEL), log_(log) {}
  using Logger::Logv;
  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (log_ != nullptr && level >= rocksdb::InfoLogLevel::WARN_LEVEL && level < rocksdb::InfoLogLevel::HEADER_LEVEL)
      Logv(format, arguments);
  }
  void Logv(const char* format, va_list arguments) override {
    char text[512];
    std::vsnprintf(text, sizeof(text), format, arguments);
    if (log_ != nullptr) log_->notice("store.rocksdb", {{"text", text}});
  }
  void LogHeader(const char*, va_list) override {}

 private:
  Log* log_;
};

}  // namespace

rocksdb::DBOptions database_options(Log* log) {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  // What must be read again after a crash: this bounds the time of a restart.
  options.max_total_wal_size = 16ULL << 20;
  options.avoid_flush_during_recovery = true;
  // After power loss the log is good up to some place; what comes behind it was never promised.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.manifest_preallocation_size = 1 << 20;  // a manifest that cannot be written would end the process, see RocksKv
  options.max_manifest_file_size = 16 << 20;
  options.max_background_jobs = 2;
  options.max_open_files = 500;
  options.bytes_per_sync = 1 << 20;
  // Writes are small and come from many threads: one that puts down the others' too costs less than threads that wait, turning
  // round and round, to put down their own.
  options.allow_concurrent_memtable_write = false;
  options.enable_write_thread_adaptive_yield = false;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.info_log = std::make_shared<Warnings>(log);
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> family_descriptors(const RocksKvOptions& options, const DropExpired* drop_expired) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.cache);
  // Within the cache, and never pushed out of it: reading a filter again for a look-up costs more than all the rest. Beyond the
  // size of the cache they are kept all the same, as far as max_open_files goes.
  table.cache_index_and_filter_blocks = true;
  table.metadata_cache_options.unpartitioned_pinning = rocksdb::PinningTier::kAll;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;
  table.block_size = 4 << 10;

  rocksdb::ColumnFamilyOptions common;
  common.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // What comes from memory is merged with the rest soon enough, and compressed then: once.
  common.compression_per_level = {rocksdb::kNoCompression, rocksdb::kLZ4Compression};
  common.level_compaction_dynamic_level_bytes = true;
  common.periodic_compaction_seconds = 24 * 60 * 60;  // so that what expired goes, also where nothing is written any more

  rocksdb::ColumnFamilyOptions records = common;
  records.write_buffer_size = options.memtable;
  records.max_write_buffer_number = 4;
  records.memtable_whole_key_filtering = true;  // most look-ups are of strangers: nothing is found
  records.memtable_prefix_bloom_size_ratio = 0.02;
  records.target_file_size_base = 16 << 20;
  // Each write is copied fewer times than with levels; the look-ups this costs are answered by filters.
  records.compaction_style = rocksdb::kCompactionStyleUniversal;
  records.level_compaction_dynamic_level_bytes = false;  // RocksDB would complain at each start: there are no levels
  records.compaction_options_universal.min_merge_width = 4;
  records.compaction_options_universal.size_ratio = 20;
  records.level0_file_num_compaction_trigger = 8;
  records.compaction_filter = drop_expired;

  rocksdb::ColumnFamilyOptions tables = common;
  tables.write_buffer_size = 4 << 20;
  tables.memtable_whole_key_filtering = true;  // they are asked of every stranger, and by an import of each row
  tables.memtable_prefix_bloom_size_ratio = 0.02;
  rocksdb::ColumnFamilyOptions decisions = common;
  decisions.write_buffer_size = 4 << 20;
  return {{kFamilyNames[0], records}, {kFamilyNames[1], tables}, {kFamilyNames[2], decisions}};
}

Error error_of(const rocksdb::Status& status) {
  const std::string text = status.ToString();
  if (status.IsNoSpace() || text.find("No space left") != std::string::npos) return {Errc::io, "disk full: " + text};
  if (status.IsCorruption()) return {Errc::corrupt, text + "; run: deferd --check-store -c FILE"};
  if (status.IsBusy() || status.IsTimedOut() || status.IsIncomplete() || status.IsShutdownInProgress())
    return {Errc::unavailable, text};
  return {Errc::io, text};
}

Error open_error(const std::string& path, const rocksdb::Status& status) {
  const std::string text = status.ToString();
  if (text.find("lock hold") != std::string::npos || text.find("While lock file") != std::string::npos)
    return {Errc::io, path + " is in use by another process (is a deferd running on it?)"};
  if (status.IsNoSpace() || text.find("No space left") != std::string::npos)
    return {Errc::io, "cannot open " + path + ": disk full: " + text};
  if (text.find("Permission denied") != std::string::npos || text.find("Read-only file system") != std::string::npos)
    return {Errc::io, "cannot open " + path + ": " + text};
  return {Errc::corrupt, "the database in " + path + " is damaged: " + text +
                             "; run: deferd --check-store -c FILE to see the damage, deferd --repair-store -c FILE to save what "
                             "can be saved"};
}

Result<void> prepare_folder(const std::string& path) {
  std::filesystem::path made;
  for (const auto& part : std::filesystem::path(path)) {
    made /= part;
    if (mkdir(made.c_str(), 0700) == 0) continue;
    const int reason = errno;  // of a folder that is there it may also be EACCES or EROFS
    std::error_code ignored;
    if (!std::filesystem::is_directory(made, ignored))
      return fail(Errc::io, "cannot make the folder " + made.string() + ": " + std::strerror(reason));
  }
  if (access(path.c_str(), R_OK | W_OK | X_OK) != 0)
    return fail(Errc::io,
                "cannot write to the folder " + path + " as user " + std::to_string(geteuid()) + ": " + std::strerror(errno));
  return {};
}

OpenDb::~OpenDb() {
  if (!db) return;
  for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
}

Result<OpenDb> open_database(const std::string& path, rocksdb::DBOptions options,
                             std::vector<rocksdb::ColumnFamilyDescriptor> families, bool read_only) {
  const Uninstrumented uninstrumented;
  std::vector<std::string> present;
  if (std::filesystem::exists(std::filesystem::path(path) / "CURRENT")) {
    const auto listed = rocksdb::DB::ListColumnFamilies(options, path, &present);
    if (!listed.ok()) return tl::unexpected(open_error(path, listed));
  }
  for (const auto& name : present)
    if (std::find(kFamilyNames.begin(), kFamilyNames.end(), name) == kFamilyNames.end())
      families.emplace_back(name, families[0].options);

  OpenDb open;
  rocksdb::DB* db = nullptr;
  const auto status = read_only ? rocksdb::DB::OpenForReadOnly(options, path, families, &open.handles, &db)
                                : rocksdb::DB::Open(options, path, families, &open.handles, &db);
  open.db.reset(db);
  if (!status.ok()) return tl::unexpected(open_error(path, status));

  std::string format;
  const auto got = open.db->Get({}, open.of(Family::tables), rocksdb::Slice(kFormatKey.data(), kFormatKey.size()), &format);
  if (got.IsNotFound()) return open;
  if (!got.ok()) return tl::unexpected(open_error(path, got));
  if (auto known = check_format(format); !known) return fail(known.error().code, path + ": " + known.error().what);
  return open;
}

namespace {

/// Remembers what went wrong until it is over; listens to RocksDB's background threads too.
class Health : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override { failed(error_of(*status).what); }
  void failed(std::string what) {
    const std::lock_guard lock(mutex_);
    if (state_.empty()) state_ = std::move(what);
  }
  void mended() {
    const std::lock_guard lock(mutex_);
    state_.clear();
  }
  std::string state() const {
    const std::lock_guard lock(mutex_);
    return state_;
  }

 private:
  mutable std::mutex mutex_;
  std::string state_;
};

// Debian's RocksDB 7.8 is built with assertions, and one of them ends the process when a log or manifest whose writing failed (a
// full disk) is synced or closed. So the logs are synced without it, writes are refused before the disk is quite full, and a
// database that failed is not closed.

/// Writing stops below this and goes on above twice as much.
constexpr std::uint64_t kSpareRoom = 16ULL << 20;

/// Nearly every look-up is of so few keys.
template <class T>
using Few = boost::container::small_vector<T, 4>;

constexpr std::size_t kWriteOverhead = 16;  // of a batch and of each write in it: kind, family, lengths

std::uint64_t free_room(const std::string& path) {
  struct statvfs disk {};
  if (statvfs(path.c_str(), &disk) != 0) return std::numeric_limits<std::uint64_t>::max();
  return static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
}

std::string no_room(const std::string& path) {
  return "disk full: No space left for " + path + " (less than " + std::to_string(kSpareRoom >> 20) + " MiB)";
}

/// Puts the logs and their folder on the disk.
Result<void> sync_logs(const std::string& path) {
  const auto sync = [](const std::string& name, int flags) -> Result<void> {
    const int file = ::open(name.c_str(), flags | O_CLOEXEC);
    if (file < 0) return errno == ENOENT ? Result<void>{} : fail(Errc::io, name + ": " + std::strerror(errno));  // just removed
    const bool done = fdatasync(file) == 0;
    const int reason = errno;
    close(file);
    return done ? Result<void>{} : fail(Errc::io, "cannot sync " + name + ": " + std::strerror(reason));
  };
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(path, failed))
    if (entry.path().extension() == ".log")
      if (auto synced = sync(entry.path().string(), O_RDONLY); !synced) return synced;
  if (failed) return fail(Errc::io, path + ": " + failed.message());
  return sync(path, O_RDONLY | O_DIRECTORY);
}

class RocksKv : public Kv {
 public:
  explicit RocksKv(RocksKvOptions options) : options_(std::move(options)) {}
  ~RocksKv() override;
  Result<void> open();

  Result<void> get(Family family, std::span<const std::string_view> keys,
                   std::vector<std::optional<std::string>>& values) override;
  Result<void> write(std::span<const Write> writes) override;
  Result<void> scan(Family family, std::string_view from, std::string_view to, bool backwards, const Visit& visit) override;
  void expire_before(std::int64_t cutoff) override { drop_expired_.before(cutoff); }
  void tend() override;
  Result<void> backup(const std::string& directory) override;
  std::string name() const override { return "rocksdb"; }
  std::string state() const override;
  std::uint64_t records() const override;
  std::uint64_t bytes() const override;

 private:
  void keep_syncing();
  void check_room();

  const RocksKvOptions options_;
  DropExpired drop_expired_;
  std::shared_ptr<Health> health_ = std::make_shared<Health>();
  OpenDb open_;
  std::mutex backup_;

  std::atomic<bool> no_room_ = false;
  std::atomic<bool> unsynced_ = false;
  std::mutex stop_mutex_;
  std::condition_variable stop_changed_;
  bool stop_ = false;
  std::thread syncer_;
};

Result<void> RocksKv::open() {
  if (auto ready = prepare_folder(options_.path); !ready) return ready;
  if (free_room(options_.path) < kSpareRoom) return fail(Errc::io, no_room(options_.path));
  auto options = database_options(options_.log);
  options.listeners.push_back(health_);
  auto opened = open_database(options_.path, std::move(options), family_descriptors(options_, &drop_expired_), false);
  if (!opened) return tl::unexpected(opened.error());
  open_ = std::move(*opened);
  syncer_ = std::thread([this] { keep_syncing(); });
  return {};
}

RocksKv::~RocksKv() {
  if (!syncer_.joinable()) return;
  {
    const std::lock_guard lock(stop_mutex_);
    stop_ = true;
  }
  stop_changed_.notify_all();
  syncer_.join();
  static_cast<void>(sync_logs(options_.path));
  if (!health_->state().empty()) {
    rocksdb::CancelAllBackgroundWork(open_.db.get(), true);
    static auto* never_closed = new std::vector<OpenDb>;
    never_closed->push_back(std::move(open_));
  } else if (free_room(options_.path) >= kSpareRoom) {
    open_.db->Flush({}, open_.handles).PermitUncheckedError();  // the next start has no log to read
  }
}

void RocksKv::keep_syncing() {
  std::unique_lock lock(stop_mutex_);
  while (!stop_changed_.wait_for(lock, options_.sync_interval, [this] { return stop_; })) {
    if (!unsynced_.exchange(false)) continue;
    lock.unlock();
    check_room();
    if (auto synced = sync_logs(options_.path); !synced) health_->failed(synced.error().what);
    lock.lock();
  }
}

Result<void> RocksKv::get(Family family, std::span<const std::string_view> keys,
                          std::vector<std::optional<std::string>>& values) {
  const Uninstrumented uninstrumented;
  values.assign(keys.size(), std::nullopt);
  if (keys.size() == 1) {
    rocksdb::PinnableSlice value;
    const auto status = open_.db->Get({}, open_.of(family), slice(keys[0]), &value);
    if (status.ok()) values[0].emplace(value.data(), value.size());
    if (!status.ok() && !status.IsNotFound()) return tl::unexpected(error_of(status));
    return {};
  }
  Few<rocksdb::Slice> slices;
  for (auto key : keys) slices.push_back(slice(key));
  Few<rocksdb::PinnableSlice> found(keys.size());
  Few<rocksdb::Status> statuses(keys.size());
  open_.db->MultiGet({}, open_.of(family), keys.size(), slices.data(), found.data(), statuses.data());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].ok()) values[i].emplace(found[i].data(), found[i].size());
    if (!statuses[i].ok() && !statuses[i].IsNotFound()) return tl::unexpected(error_of(statuses[i]));
  }
  return {};
}

Result<void> RocksKv::write(std::span<const Write> writes) {
  if (no_room_.load(std::memory_order_relaxed)) return fail(Errc::io, no_room(options_.path));
  const Uninstrumented uninstrumented;
  std::size_t size = 0;
  for (const auto& write : writes) size += kWriteOverhead + write.key.size() + (write.value ? write.value->size() : 0);
  rocksdb::WriteBatch batch(kWriteOverhead + size);
  for (const auto& write : writes) {
    const auto added = write.value ? batch.Put(open_.of(write.family), slice(write.key), slice(*write.value))
                                   : batch.Delete(open_.of(write.family), slice(write.key));
    if (!added.ok()) return tl::unexpected(error_of(added));
  }
  const auto status = open_.db->Write({}, &batch);
  if (!status.ok()) {
    health_->failed(error_of(status).what);
    return tl::unexpected(error_of(status));
  }
  if (!unsynced_.load(std::memory_order_relaxed)) unsynced_ = true;
  return {};
}

Result<void> RocksKv::scan(Family family, std::string_view from, std::string_view to, bool backwards, const Visit& visit) {
  if (from >= to) return {};
  const Uninstrumented uninstrumented;
  const rocksdb::Slice lower = slice(from), upper = slice(to);
  rocksdb::ReadOptions options;
  options.iterate_lower_bound = &lower;
  options.iterate_upper_bound = &upper;
  options.fill_cache = false;  // a listing must not push out what mail needs
  const std::unique_ptr<rocksdb::Iterator> it(open_.db->NewIterator(options, open_.of(family)));
  for (backwards ? it->SeekToLast() : it->SeekToFirst(); it->Valid(); backwards ? it->Prev() : it->Next())
    if (!visit({it->key().data(), it->key().size()}, {it->value().data(), it->value().size()})) return {};
  if (!it->status().ok()) return tl::unexpected(error_of(it->status()));
  return {};
}

void RocksKv::check_room() {
  const auto room = free_room(options_.path);
  if (room < kSpareRoom) no_room_ = true;
  if (room >= 2 * kSpareRoom) no_room_ = false;
}

void RocksKv::tend() {
  check_room();
  if (health_->state().empty()) return;
  if (open_.db->Resume().ok()) health_->mended();
}

Result<void> RocksKv::backup(const std::string& directory) {
  constexpr std::uint32_t kKept = 5;
  const std::lock_guard lock(backup_);
  if (auto ready = prepare_folder(directory); !ready) return ready;
  rocksdb::BackupEngine* raw = nullptr;
  rocksdb::BackupEngineOptions options(directory);
  options.share_files_with_checksum = true;
  auto status = rocksdb::BackupEngine::Open(rocksdb::Env::Default(), options, &raw);
  const std::unique_ptr<rocksdb::BackupEngine> engine(raw);
  if (status.ok()) status = engine->CreateNewBackup(open_.db.get());
  if (status.ok()) status = engine->PurgeOldBackups(kKept);
  if (!status.ok()) return fail(error_of(status).code, "backup into " + directory + ": " + error_of(status).what);
  return {};
}

std::string RocksKv::state() const {
  if (no_room_) return no_room(options_.path);
  const auto state = health_->state();
  return state.empty() ? "ok" : state;
}

std::uint64_t RocksKv::records() const {
  std::uint64_t keys = 0;
  open_.db->GetIntProperty(open_.of(Family::records), rocksdb::DB::Properties::kEstimateNumKeys, &keys);
  return keys;
}

std::uint64_t RocksKv::bytes() const {
  std::uint64_t bytes = 0;
  std::error_code ignored;  // files come and go while we look
  for (const auto& entry : std::filesystem::directory_iterator(options_.path, ignored)) {
    const auto size = entry.file_size(ignored);
    if (!ignored) bytes += size;
  }
  return bytes;
}

}  // namespace

Result<std::unique_ptr<Kv>> open_rocksdb_kv(const RocksKvOptions& options) {
  auto kv = std::make_unique<RocksKv>(options);
  if (auto opened = kv->open(); !opened) return tl::unexpected(opened.error());
  return kv;
}

}  // namespace deferd::store
