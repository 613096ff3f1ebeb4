#include "ctl/berkeley_db.h"

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>

#ifdef DEFERD_BERKELEY_DB
#include <db.h>
#include <stdlib.h>

#include <memory>
#include <string_view>
#include <vector>
#endif

namespace deferd::ctl {
namespace {

namespace fs = std::filesystem;

/// Of a B-tree, in the byte order of the host that made it; db_dump(1) and file(1) look at the same place.
bool has_magic(const std::string& name) {
  constexpr std::uint32_t kMagic = 0x00053162;
  char head[16] = {};
  std::ifstream file(name, std::ios::binary);
  if (!file.read(head, sizeof(head))) return false;
  std::uint32_t magic = 0;
  std::memcpy(&magic, head + 12, sizeof(magic));
  return magic == kMagic || magic == __builtin_bswap32(kMagic);
}

#ifdef DEFERD_BERKELEY_DB

tl::unexpected<Failure> refused(const std::string& name, int error) {
  return tl::unexpected(Failure{kRefused, name + ": Berkeley DB says: " + db_strerror(error)});
}

struct CloseDb {
  void operator()(DB* db) const { db->close(db, DB_NOSYNC); }
};
struct CloseCursor {
  void operator()(DBC* cursor) const { cursor->close(cursor); }
};
struct CloseEnvironment {
  void operator()(DB_ENV* environment) const { environment->close(environment, 0); }
};
using Environment = std::unique_ptr<DB_ENV, CloseEnvironment>;

/// A folder that is gone afterwards.
class Scratch {
 public:
  Scratch() : path_((fs::temp_directory_path() / "deferctl-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~Scratch() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& path() const { return path_; }  ///< Empty: it could not be made.

 private:
  std::string path_;
};

void put_hex(std::string& out, const DBT& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  const std::string_view text(static_cast<const char*>(bytes.data), bytes.size);
  out += ' ';
  for (const char c : text) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  out += '\n';
}

/// Adds a database, whose file is looked for in the environment's folder if there is one.
Outcome<void> dump(DB_ENV* environment, const std::string& name, std::string& out) {
  DB* raw = nullptr;
  if (const int error = db_create(&raw, environment, 0); error != 0) return refused(name, error);
  const std::unique_ptr<DB, CloseDb> db(raw);
  db->set_errcall(db.get(), nullptr);
  if (const int error = db->open(db.get(), nullptr, name.c_str(), nullptr, DB_UNKNOWN, DB_RDONLY, 0); error != 0)
    return refused(name, error);
  DBC* raw_cursor = nullptr;
  if (const int error = db->cursor(db.get(), nullptr, &raw_cursor, 0); error != 0) return refused(name, error);
  const std::unique_ptr<DBC, CloseCursor> cursor(raw_cursor);
  out += "VERSION=3\nformat=bytevalue\nHEADER=END\n";
  int error = 0;
  while (true) {
    DBT key{}, value{};
    error = cursor->get(cursor.get(), &key, &value, DB_NEXT);
    if (error != 0) break;
    put_hex(out, key);
    put_hex(out, value);
  }
  if (error != DB_NOTFOUND) return refused(name, error);
  out += "DATA=END\n";
  return {};
}

/// Databases first, then the log, so that the log has all that the copies lack.
Outcome<bool> copy_with_log(const fs::path& from, const std::string& to, const std::vector<std::string>& databases) {
  std::vector<fs::path> files;
  for (const auto& database : databases) files.push_back(from / database);
  bool log = false;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(from, error)) {
    if (!entry.path().filename().string().starts_with("log.")) continue;
    files.push_back(entry.path());
    log = true;
  }
  for (const auto& file : files)
    if (!error) fs::copy_file(file, fs::path(to) / file.filename(), error);
  if (error) return tl::unexpected(Failure{kUsage, from.string() + ": cannot be copied: " + error.message()});
  return log;
}

Outcome<Environment> recovered(const std::string& folder) {
  DB_ENV* raw = nullptr;
  if (const int error = db_env_create(&raw, 0); error != 0) return refused(folder, error);
  Environment environment(raw);
  environment->set_errcall(environment.get(), nullptr);
  constexpr u_int32_t kFlags = DB_CREATE | DB_PRIVATE | DB_RECOVER_FATAL | DB_INIT_TXN | DB_INIT_MPOOL | DB_INIT_LOG;
  if (const int error = environment->open(environment.get(), folder.c_str(), kFlags, 0600); error != 0)
    return refused(folder, error);
  return environment;
}

Outcome<std::string> dump_folder(const std::string& name) {
  std::vector<std::string> databases;
  for (const char* database : {"postgrey_clients.db", "postgrey.db"})
    if (has_magic((fs::path(name) / database).string())) databases.emplace_back(database);
  if (databases.empty()) return tl::unexpected(Failure{kUsage, name + ": has neither postgrey.db nor postgrey_clients.db"});
  const Scratch scratch;
  if (scratch.path().empty()) return tl::unexpected(Failure{kFailed, "cannot make a folder for temporary files"});
  auto log = copy_with_log(name, scratch.path(), databases);
  if (!log) return tl::unexpected(log.error());
  Environment environment;
  if (*log) {
    auto made = recovered(scratch.path());
    if (!made) return tl::unexpected(made.error());
    environment = std::move(*made);
  }
  std::string out;
  for (const auto& database : databases) {
    const auto file = environment ? database : (fs::path(scratch.path()) / database).string();
    if (auto done = dump(environment.get(), file, out); !done) return tl::unexpected(done.error());
  }
  return out;
}

#endif

}  // namespace

bool is_berkeley_db(const std::string& name) {
  std::error_code ignored;
  return fs::is_directory(name, ignored) || has_magic(name);
}

Outcome<std::string> dump_berkeley_db(const std::string& name) {
#ifdef DEFERD_BERKELEY_DB
  if (!has_magic(name)) return dump_folder(name);
  std::string out;
  if (auto done = dump(nullptr, name, out); !done) return tl::unexpected(done.error());
  return out;
#else
  return tl::unexpected(
      Failure{kUsage, name + ": this deferctl was built without Berkeley DB; give it what `db_dump -p` prints of a file"});
#endif
}

}  // namespace deferd::ctl
