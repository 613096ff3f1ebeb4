#include "daemon/worker_config.h"

#include <gtest/gtest.h>

#include "deferd/testing/fake_log.h"
#include "ops/test_support.h"

namespace deferd {
namespace {

class WorkerConfigTest : public ::testing::Test {
 protected:
  WorkerConfigTest() { write("debug"); }
  void write(const std::string& level, const std::string& more = "") {
    std::ofstream(file) << "log: {level: " << level << "}\n" << more;
  }
  LoadedConfig load() const {
    Problems problems;
    return load_config(file, problems).value();
  }

  test::TempDir dir;
  const std::string file = dir / "deferd.yaml";
  FakeLog log;
};

TEST_F(WorkerConfigTest, ReadsTheFileForEachWorker) {
  WorkerConfig config(file, load());
  write("error");
  EXPECT_EQ(config.next(log).config.log.level, Level::error);
}

TEST_F(WorkerConfigTest, KeepsWhatIsInForceWhileTheFileIsWrong) {
  WorkerConfig config(file, load());
  write("no such level");
  EXPECT_EQ(config.next(log).config.log.level, Level::debug);
  EXPECT_TRUE(log.contains("error monitor.config_problem line=1 at=log.level"));
  EXPECT_TRUE(log.contains("error monitor.config_refused"));
}

TEST_F(WorkerConfigTest, GoesBackOnceToWhatWasInForceIfTheWorkerRefuses) {
  WorkerConfig config(file, load());
  write("error");
  config.next(log);
  config.refused();
  EXPECT_EQ(config.next(log).config.log.level, Level::debug);
  EXPECT_EQ(config.next(log).config.log.level, Level::error);
}

TEST_F(WorkerConfigTest, ReadsTheFileAgainIfWhatWasInForceIsRefusedAsWell) {
  WorkerConfig config(file, load());
  write("error");
  config.next(log);
  config.refused();
  EXPECT_EQ(config.next(log).config.log.level, Level::debug);
  EXPECT_EQ(config.given().config.log.level, Level::debug);
  config.refused();
  EXPECT_EQ(config.next(log).config.log.level, Level::error);
  EXPECT_EQ(config.given().config.log.level, Level::error);
}

TEST_F(WorkerConfigTest, TakesForInForceWhatAWorkerServesBy) {
  WorkerConfig config(file, load());
  write("error");
  config.next(log);
  config.ready();
  write("no such level");
  EXPECT_EQ(config.next(log).config.log.level, Level::error);
}

TEST_F(WorkerConfigTest, TakesForInForceWhatAWorkerHasReloaded) {
  WorkerConfig config(file, load());
  write("warning");
  config.reloaded();
  write("no such level");
  EXPECT_EQ(config.next(log).config.log.level, Level::warning);
}

TEST_F(WorkerConfigTest, KeepsWhatBelongsToTheMonitor) {
  write("debug", "user: nobody\nlisten: {smtp: ['127.0.0.1:8025']}\nhelpers: [[first]]\n");
  WorkerConfig config(file, load());
  write("debug", "user: root\ngroup: root\nlisten: {smtp: ['127.0.0.1:25']}\nhelpers: [[other]]\n");
  const auto& next = config.next(log).config;
  EXPECT_EQ(next.user, "nobody");
  EXPECT_EQ(next.group, "");
  EXPECT_EQ(next.listen.smtp, config.first().config.listen.smtp);
  EXPECT_EQ(next.helpers, config.first().config.helpers);
}

}  // namespace
}  // namespace deferd
