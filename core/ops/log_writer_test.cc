#include "ops/log_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "deferd/testing/fake_clock.h"
#include "ops/test_support.h"

namespace deferd {
namespace {

using test::contents;
using test::TempDir;

class LogWriterTest : public ::testing::Test {
 protected:
  LogConfig to(const std::string& place) const {
    LogConfig config;
    config.to = place;
    return config;
  }
  /// A pipe with a name, and its reading end.
  int open_fifo() {
    EXPECT_EQ(mkfifo((dir / "fifo").c_str(), 0600), 0);
    return open((dir / "fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  }
  TempDir dir;
  FakeClock clock;
};

std::size_t lines_in(const std::string& text) { return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')); }

TEST_F(LogWriterTest, HasWrittenEverythingAfterFlush) {
  LogWriter log(to(dir / "log"), clock);
  log.info("rcpt.defer", {{"client", "192.0.2.7"}});
  clock.advance(std::chrono::seconds(1));
  log.warning("store.io", {{"what", "disk full"}});
  log.flush();
  EXPECT_EQ(contents(dir / "log"),
            "2026-01-01T00:00:00Z info rcpt.defer client=192.0.2.7\n"
            "2026-01-01T00:00:01Z warning store.io what=\"disk full\"\n");
}

TEST_F(LogWriterTest, WritesWithoutBeingFlushed) {
  const int reader = open_fifo();
  LogWriter log(to(dir / "fifo"), clock);
  fcntl(reader, F_SETFL, 0);
  for (int i = 0; i < 3; ++i) {
    log.info("a.b", {});
    char bytes[100];
    EXPECT_GT(read(reader, bytes, sizeof bytes), 0);
  }
  close(reader);
}

TEST_F(LogWriterTest, LeavesOutWhatIsBelowItsLevel) {
  auto config = to(dir / "log");
  config.level = Level::warning;
  LogWriter log(config, clock);
  EXPECT_FALSE(log.enabled(Level::notice));
  EXPECT_TRUE(log.enabled(Level::warning));
  log.notice("a.b", {});
  log.write(Level::notice, "a.b", std::span<const Field>());
  log.flush();
  EXPECT_EQ(contents(dir / "log"), "");
}

TEST_F(LogWriterTest, HasWrittenEverythingWhenItEnds) {
  constexpr int threads = 8, each = 2000;
  {
    LogWriter log(to(dir / "log"), clock);
    std::vector<std::jthread> writers;
    for (int t = 0; t < threads; ++t)
      writers.emplace_back([&log, t] {
        for (int i = 0; i < each; ++i) log.info("a.b", {{"thread", t}, {"i", i}});
      });
  }
  const auto text = contents(dir / "log");
  EXPECT_EQ(lines_in(text), threads * each);
  std::vector<int> next(threads, 0);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    int thread = -1, i = -1;
    ASSERT_EQ(std::sscanf(line.c_str(), "2026-01-01T00:00:00Z info a.b thread=%d i=%d", &thread, &i), 2) << line;
    ASSERT_EQ(i, next.at(static_cast<std::size_t>(thread))++);
  }
}

TEST_F(LogWriterTest, OpensTheFileAnewWhenReconfigured) {
  LogWriter log(to(dir / "log"), clock);
  log.info("a.before", {});
  std::filesystem::rename(dir / "log", dir / "log.1");
  ASSERT_TRUE(log.reconfigure(to(dir / "log")));
  log.info("a.after", {});
  log.flush();
  EXPECT_EQ(contents(dir / "log.1"), "2026-01-01T00:00:00Z info a.before\n");
  EXPECT_EQ(contents(dir / "log"), "2026-01-01T00:00:00Z info a.after\n");
}

TEST_F(LogWriterTest, TakesFormatAndLevelFromANewConfiguration) {
  LogWriter log(to(dir / "log"), clock);
  auto config = to(dir / "json");
  config.format = LogConfig::Format::json;
  config.level = Level::debug;
  ASSERT_TRUE(log.reconfigure(config));
  log.debug("a.b", {});
  log.flush();
  EXPECT_EQ(contents(dir / "json"), "{\"time\":\"2026-01-01T00:00:00Z\",\"level\":\"debug\",\"event\":\"a.b\"}\n");
}

TEST_F(LogWriterTest, KeepsTheOldSinkWhenTheNewOneCannotBeOpened) {
  LogWriter log(to(dir / "log"), clock);
  const auto result = log.reconfigure(to("/nonexistent/log"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::io);
  log.info("a.b", {});
  log.flush();
  EXPECT_EQ(lines_in(contents(dir / "log")), 1u);
}

TEST_F(LogWriterTest, LosesNoLineWhileItIsReconfigured) {
  constexpr int threads = 4, each = 2000;
  {
    LogWriter log(to(dir / "log"), clock);
    std::vector<std::jthread> writers;
    for (int t = 0; t < threads; ++t)
      writers.emplace_back([&log] {
        for (int i = 0; i < each; ++i) log.info("a.b", {});
      });
    auto json = to(dir / "json");
    json.format = LogConfig::Format::json;
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(log.reconfigure(i % 2 == 0 ? json : to(dir / "log")));
  }
  const auto text = contents(dir / "log"), json = contents(dir / "json");
  EXPECT_EQ(lines_in(text) + lines_in(json), threads * each);
  EXPECT_EQ(text.find('{'), std::string::npos);
  EXPECT_EQ(json.find("\n2"), std::string::npos);
}

TEST_F(LogWriterTest, ThrowsWhenItsFirstSinkCannotBeOpened) {
  EXPECT_THROW(LogWriter(to("/nonexistent/log"), clock), ErrorException);
}

TEST_F(LogWriterTest, DropsAndCountsWhenNobodyReadsAndTellsWhenItRecovers) {
  const int reader = open_fifo();
  const std::string filler(1000, 'x');
  std::string text;
  std::uint64_t lost = 0;
  constexpr int written = 12000;  // about 12 MiB: more than what is buffered and what is being written
  {
    LogWriter log(to(dir / "fifo"), clock);
    for (int i = 0; i < written; ++i) log.info("a.b", {{"filler", filler}});
    lost = log.lost();
    EXPECT_GT(lost, 1000u);

    fcntl(reader, F_SETFL, 0);
    std::jthread drain([&] {
      char bytes[65536];
      for (ssize_t got = 0; (got = read(reader, bytes, sizeof bytes)) > 0;) text.append(bytes, static_cast<std::size_t>(got));
    });
    log.flush();
    log.info("a.last", {});
    log.flush();
    EXPECT_EQ(log.lost(), lost);
    ASSERT_TRUE(log.reconfigure(to(dir / "log")));  // closes the pipe, ends the thread
  }
  // Reported whenever there was room again, which may be more than once.
  const std::string report = " warning log.lost lines=";
  std::uint64_t reported = 0, reports = 0;
  for (auto at = text.find(report); at != std::string::npos; at = text.find(report, at + 1), ++reports)
    reported += std::stoull(text.substr(at + report.size()));
  EXPECT_EQ(reported, lost);
  EXPECT_EQ(lines_in(text), written - lost + 1 + reports);
  close(reader);
}

TEST_F(LogWriterTest, SurvivesAReaderThatLeaves) {
  close(open_fifo());
  const int reader = open((dir / "fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  LogWriter log(to(dir / "fifo"), clock);
  close(reader);
  log.info("a.b", {});
  log.flush();
  EXPECT_EQ(log.lost(), 1u);
}

TEST_F(LogWriterTest, CountsWhatAFullDiskRefuses) {
  LogWriter log(to("/dev/full"), clock);
  log.info("a.b", {});
  log.info("a.c", {});
  log.flush();
  EXPECT_EQ(log.lost(), 2u);
  log.info("a.d", {});
  log.flush();
  EXPECT_EQ(log.lost(), 3u);  // the report that was refused as well is no loss
}

TEST_F(LogWriterTest, EndsThoughNobodyReads) {
  const int reader = open_fifo();
  {
    LogWriter log(to(dir / "fifo"), clock);
    for (int i = 0; i < 1000; ++i) log.info("a.b", {{"filler", std::string(500, 'x')}});
  }
  close(reader);
}

TEST(RateLimit, LetsABurstThroughAndTellsWhatItLeftOut) {
  FakeClock clock;
  RateLimit limit(clock, 2, std::chrono::seconds(60));
  EXPECT_EQ(limit.admit(), 0u);
  EXPECT_EQ(limit.admit(), 0u);
  EXPECT_EQ(limit.admit(), std::nullopt);
  clock.advance(std::chrono::seconds(59));
  EXPECT_EQ(limit.admit(), std::nullopt);
  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(limit.admit(), 2u);
  EXPECT_EQ(limit.admit(), 0u);
  EXPECT_EQ(limit.admit(), std::nullopt);
}

}  // namespace
}  // namespace deferd
