// What was told survives kill -9, and the next start is quick.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

#include "store/contract_test.h"
#include "store/rocksdb_engine.h"
#include "support/many.h"

namespace deferd::store {
namespace {

/// A running crash_writer.
class Writer {
 public:
  Writer(const std::string& path, std::uint32_t first) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
    const std::string number = std::to_string(first);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      execl(DEFERD_CRASH_WRITER, DEFERD_CRASH_WRITER, path.c_str(), number.c_str(), static_cast<char*>(nullptr));
      _exit(127);
    }
    close(ends[1]);
    from_ = ends[0];
  }
  ~Writer() {
    kill();
    close(from_);
  }
  /// The next number it told; none when it is gone.
  std::optional<std::uint32_t> next() {
    std::uint32_t number = 0;
    return read(from_, &number, sizeof(number)) == sizeof(number) ? std::optional(number) : std::nullopt;
  }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
  int from_ = -1;
};

class CrashTest : public testing::Test {
 protected:
  std::unique_ptr<Engine> open() {
    StoreConfig config;
    config.path = path;
    return or_throw(open_rocksdb_engine(config, clock, log));
  }

  FakeClock clock;
  FakeLog log;
  TemporaryFolder folder;
  const std::string path = (folder.path() / "db").string();
};

TEST_F(CrashTest, LosesNothingThatWasToldBeforeKill9) {
  constexpr int kRounds = 5;
  std::minstd_rand random(std::random_device{}());
  std::vector<std::uint32_t> told;
  std::uint32_t first = 0;
  for (int round = 0; round < kRounds; ++round) {
    Writer writer(path, first);
    for (auto remaining = 1 + random() % 5'000; remaining > 0; --remaining) {
      const auto number = writer.next();
      ASSERT_TRUE(number) << "the writer ended by itself";
      told.push_back(*number);
    }
    writer.kill();
    while (const auto number = writer.next()) told.push_back(*number);
    first = *std::max_element(told.begin(), told.end()) + 1'000;
  }
  auto engine = open();
  auto store = engine->open_space("crash");
  constexpr std::string_view kKeys[] = {"pair", "identity"};
  std::size_t lost = 0;
  for (const auto number : told)
    for (const auto& record : or_throw(store->read(std::to_string(number), kKeys)))
      if (record.value != std::to_string(number)) ++lost;
  EXPECT_EQ(lost, 0U) << "of " << told.size();
}

TEST_F(CrashTest, IsInUseAsLongAsTheOtherProcessLives) {
  Writer writer(path, 0);
  ASSERT_TRUE(writer.next());
  StoreConfig config;
  config.path = path;
  const auto opened = open_rocksdb_engine(config, clock, log);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().what, testing::HasSubstr("in use by another process"));
  writer.kill();
  open();
}

TEST_F(CrashTest, StartsQuicklyAfterKill9) {
  {
    Writer writer(path, 0);
    for (std::size_t i = 0; i < many(150'000); ++i) ASSERT_TRUE(writer.next());
    writer.kill();
  }
  const auto start = std::chrono::steady_clock::now();
  open();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  RecordProperty("seconds", std::to_string(took.count()));
  EXPECT_LT(took.count(), 10.0);  // 0.1 s on an idle machine: far off only if the log is not bounded
}

}  // namespace
}  // namespace deferd::store
