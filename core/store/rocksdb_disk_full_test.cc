// A full disk: commits fail, the state says why, and all is well again when there is room. Runs in a mount namespace of its own
// with a small tmpfs.
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <random>

#include "store/contract_test.h"
#include "store/rocksdb_engine.h"

namespace deferd::store {
namespace {

void write_file(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

/// A mount namespace for this thread and those it starts; RocksDB's threads stay from one test to the next.
void enter_own_namespace() {
  const auto user = getuid(), group = getgid();
  if (unshare(user == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0) throw std::runtime_error("unshare failed");
  if (user != 0) {
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/uid_map", "0 " + std::to_string(user) + " 1");
    write_file("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
  }
  // EINVAL: in a chroot, where / is no mount.
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 && errno != EINVAL)
    throw std::runtime_error("the mounts cannot be made private");
}

/// By how often the room is looked at: 10 ms stops before the disk is quite full, 60 s runs into the wall.
class DiskFullTest : public testing::TestWithParam<std::chrono::milliseconds> {
 protected:
  static void SetUpTestSuite() {
    static const bool once = (enter_own_namespace(), true);
    static_cast<void>(once);
  }
  DiskFullTest() {
    if (mount("small", folder.path().c_str(), "tmpfs", 0, "size=64m") != 0)
      throw std::runtime_error("no small disk can be mounted");
  }
  ~DiskFullTest() override {
    engine.reset();
    umount2(folder.path().c_str(), MNT_DETACH);
  }

  void open() {
    StoreConfig config;
    config.path = (folder.path() / "db").string();
    config.sync_interval = GetParam();
    engine = or_throw(open_rocksdb_engine(config, clock, log));
  }
  Result<void> write(const std::string& key) {
    std::string value(1'000, '\0');
    for (auto& byte : value) byte = static_cast<char>(random());
    const Change change{key, std::move(value), clock.now() + 8h, std::nullopt};
    return engine->open_space("greylist")->commit("g", {&change, 1});
  }
  bool has(const std::string& key) {
    const std::string_view view = key;
    return or_throw(engine->open_space("greylist")->read("g", {&view, 1})).front().value.has_value();
  }
  void fill_disk() {
    std::ofstream ballast(folder.path() / "ballast", std::ios::binary);
    const std::string block(4'096, 'b');
    while (ballast.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }

  FakeClock clock;
  FakeLog log;
  TemporaryFolder folder;
  std::unique_ptr<Engine> engine;
  std::minstd_rand random{1};
};

TEST_P(DiskFullTest, FailsWhileFullAndRecoversWhenSpaceReturns) {
  open();
  int told = 0;
  for (; told < 1'000; ++told) ASSERT_TRUE(write(std::to_string(told)));
  fill_disk();

  Result<void> written;
  while ((written = write(std::to_string(told)))) ASSERT_LT(++told, 100'000);
  EXPECT_EQ(written.error().code, Errc::io);
  EXPECT_THAT(written.error().what, testing::HasSubstr("disk full"));
  EXPECT_THAT(engine->status().state, testing::HasSubstr("disk full"));
  static_cast<void>(engine->sweep());
  EXPECT_THAT(engine->status().state, testing::HasSubstr("disk full"));
  EXPECT_EQ(log.count("error store.failed"), 1U);
  EXPECT_TRUE(has("0")) << "what is known can still be read";

  std::filesystem::remove(folder.path() / "ballast");
  for (int tries = 0; engine->status().state != "ok" && tries < 300; ++tries) {
    static_cast<void>(engine->sweep());
    usleep(100'000);  // RocksDB's own recovery may be at work
  }
  EXPECT_EQ(engine->status().state, "ok");
  EXPECT_EQ(log.count("notice store.recovered"), 1U);
  EXPECT_TRUE(write("after"));

  engine.reset();
  open();
  EXPECT_TRUE(has("after"));
  int lost = 0;
  for (int i = 0; i < told; ++i) lost += has(std::to_string(i)) ? 0 : 1;
  EXPECT_EQ(lost, 0);
}

TEST_P(DiskFullTest, EndsInOrderWhileTheDiskIsFull) {
  open();
  ASSERT_TRUE(write("told"));
  fill_disk();
  for (int i = 0; write(std::to_string(i)); ++i) ASSERT_LT(i, 100'000);
  engine.reset();
}

TEST_P(DiskFullTest, FailsABackupOntoAFullDiskAndGoesOn) {
  TemporaryFolder elsewhere;
  StoreConfig config;
  config.path = (elsewhere.path() / "db").string();
  engine = or_throw(open_rocksdb_engine(config, clock, log));
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(write(std::to_string(i)));
  fill_disk();
  const auto copied = engine->backup((folder.path() / "backup").string());
  ASSERT_FALSE(copied);
  EXPECT_THAT(copied.error().what, testing::HasSubstr("disk full"));
  EXPECT_TRUE(write("after"));
  EXPECT_EQ(engine->status().state, "ok");
  engine.reset();
}

TEST_P(DiskFullTest, SaysSoWhenItCannotBeOpenedForWantOfSpace) {
  fill_disk();
  StoreConfig config;
  config.path = (folder.path() / "db").string();
  const auto opened = open_rocksdb_engine(config, clock, log);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::io);
  EXPECT_THAT(opened.error().what, testing::HasSubstr("No space left"));
}

INSTANTIATE_TEST_SUITE_P(RoomSeen, DiskFullTest, testing::Values(10ms, 60s),
                         [](const auto& p) { return p.param < 1s ? std::string("Early") : std::string("Late"); });

}  // namespace
}  // namespace deferd::store
