// Databases made as postgrey makes them, read as `import --format postgrey` reads them.
#include "ctl/berkeley_db.h"

#include <db.h>
#include <gmock/gmock.h>

#include <fstream>
#include <map>

#include "ctl/entry.h"
#include "net/testing_socket.h"

namespace deferd::ctl {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr std::int64_t kTestNow = 1'767'225'600;

/// As a running postgrey has them: transactions and a log, which are written to the files now and then only.
class Postgrey {
 public:
  explicit Postgrey(const std::string& folder) {
    check(db_env_create(&environment_, 0));
    check(environment_->open(environment_, folder.c_str(),
                             DB_CREATE | DB_PRIVATE | DB_RECOVER | DB_INIT_TXN | DB_INIT_MPOOL | DB_INIT_LOG, 0600));
    check(environment_->set_flags(environment_, DB_AUTO_COMMIT, 1));
  }
  ~Postgrey() {
    for (auto& [name, db] : databases_) db->close(db, 0);
    environment_->close(environment_, 0);
  }
  void put(const std::string& database, std::string key, std::string value) {
    DB*& db = databases_[database];
    if (db == nullptr) {
      check(db_create(&db, environment_, 0));
      check(db->open(db, nullptr, database.c_str(), nullptr, DB_BTREE, DB_CREATE, 0600));
    }
    DBT key_bytes{}, value_bytes{};
    key_bytes.data = key.data();
    key_bytes.size = static_cast<u_int32_t>(key.size());
    value_bytes.data = value.data();
    value_bytes.size = static_cast<u_int32_t>(value.size());
    check(db->put(db, nullptr, &key_bytes, &value_bytes, 0));
  }
  void checkpoint() { check(environment_->txn_checkpoint(environment_, 0, 0, DB_FORCE)); }

 private:
  static void check(int error) {
    if (error != 0) throw std::runtime_error(db_strerror(error));
  }
  DB_ENV* environment_ = nullptr;
  std::map<std::string, DB*> databases_;
};

class BerkeleyDbTest : public ::testing::Test {
 protected:
  static std::vector<std::string> entries(const std::string& name) {
    const auto text = dump_berkeley_db(name);
    if (!text) return {text.error().what};
    std::vector<std::string> lines;
    const auto damage =
        read_entries(Format::postgrey, *text, kTestNow, 0, [&](const Entry& entry) { lines.push_back(spamdb_line(entry)); });
    for (const auto& one : damage) lines.push_back("damaged: " + one.what);
    return lines;
  }
  static std::string at(std::int64_t after) { return std::to_string(kTestNow + after); }

  SocketFolder folder;
};

TEST_F(BerkeleyDbTest, ReadsWhatPostgreyHasNotWrittenToItsFilesYet) {
  const auto grey =
      "GREY|198.51.100.0||<a@example.org>|<b@example.net>|" + at(-10) + "|" + at(172'790) + "|" + at(172'790) + "|1|0";
  const auto white = "WHITE|192.0.2.7|||" + at(-60) + "|" + at(-60) + "|" + at(3'023'940) + "|1|7";
  {
    Postgrey postgrey(folder.file(""));
    postgrey.put("postgrey.db", "198.51.100.0/a@example.org/b@example.net", at(-10) + "," + at(-10));
    postgrey.checkpoint();
    postgrey.put("postgrey_clients.db", "192.0.2.7", "7," + at(-60));
    EXPECT_THAT(entries(folder.file("")), UnorderedElementsAre(grey, white));
  }
  EXPECT_THAT(entries(folder.file("")), UnorderedElementsAre(grey, white));
  EXPECT_THAT(entries(folder.file("postgrey.db")), UnorderedElementsAre(grey));
}

TEST_F(BerkeleyDbTest, TellsOtherFilesApart) {
  const auto text = folder.file("dump");
  std::ofstream(text) << "VERSION=3\nformat=print\nHEADER=END\nDATA=END\n";
  EXPECT_FALSE(is_berkeley_db(text));
  EXPECT_FALSE(is_berkeley_db(folder.file("nowhere")));
  EXPECT_TRUE(is_berkeley_db(folder.file("")));
  EXPECT_THAT(entries(folder.file("")), UnorderedElementsAre(HasSubstr("has neither postgrey.db nor postgrey_clients.db")));
}

TEST_F(BerkeleyDbTest, RefusesDamagedFiles) {
  std::string damaged(12, '\0');
  damaged += std::string("\x62\x31\x05\x00", 4);
  damaged += std::string(5'000, '\x7f');
  std::ofstream(folder.file("postgrey.db"), std::ios::binary) << damaged;
  ASSERT_TRUE(is_berkeley_db(folder.file("postgrey.db")));
  EXPECT_THAT(entries(folder.file("postgrey.db")), UnorderedElementsAre(HasSubstr("Berkeley DB says")));
}

}  // namespace
}  // namespace deferd::ctl
