#include "ops/log_sink.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>

#include <climits>
#include <csignal>
#include <vector>

#include "ops/test_support.h"

namespace deferd {
namespace {

using test::contents;
using test::in_child;
using test::TempDir;

LogConfig to(const std::string& place) {
  LogConfig config;
  config.to = place;
  return config;
}

TEST(LogSink, AppendsToAFile) {
  const TempDir dir;
  for (const auto* line : {"one\n", "two\n"}) (*open_sink(to(dir / "log")))->write(line, {});
  EXPECT_EQ(contents(dir / "log"), "one\ntwo\n");
}

TEST(LogSink, MakesAFileThatOthersCannotRead) {
  const TempDir dir;
  const mode_t before = umask(0);
  ASSERT_TRUE(open_sink(to(dir / "log")));
  umask(before);
  struct stat status {};
  ASSERT_EQ(stat((dir / "log").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
}

TEST(LogSink, SaysWhichFileCannotBeOpened) {
  const auto sink = open_sink(to("/nonexistent/log"));
  ASSERT_FALSE(sink);
  EXPECT_NE(sink.error().what.find("/nonexistent/log: No such file"), std::string::npos) << sink.error().what;
}

TEST(LogSink, GivesPipesWholeLinesOfAtomicSize) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);  // keeps writes apart
  DescriptorSink sink(ends[0], true, LinePrefix::time);
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += std::string(static_cast<std::size_t>(50 + i), 'x') + '\n';
  ASSERT_EQ(sink.write(lines, {}), lines.size());

  std::string all;
  char packet[2 * PIPE_BUF];
  while (all.size() < lines.size()) {
    const ssize_t got = recv(ends[1], packet, sizeof packet, MSG_DONTWAIT);
    ASSERT_GT(got, 0);
    EXPECT_LE(got, PIPE_BUF);
    EXPECT_EQ(packet[got - 1], '\n');
    all.append(packet, static_cast<std::size_t>(got));
  }
  EXPECT_EQ(all, lines);
  close(ends[1]);
}

TEST(LogSink, StartsANewLineAfterOneThatWasCutOff) {
  const TempDir dir;
  const auto outcome = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    auto sink = or_throw(open_sink(to(dir / "log")));
    rlimit limit{};
    getrlimit(RLIMIT_FSIZE, &limit);
    const auto before = limit.rlim_cur;
    limit.rlim_cur = 6;
    setrlimit(RLIMIT_FSIZE, &limit);
    if (sink->write("one\ntwo\n", {}) != 6) return 1;
    limit.rlim_cur = before;
    setrlimit(RLIMIT_FSIZE, &limit);
    return sink->write("three\n", {}) == 6 ? 0 : 2;
  });
  EXPECT_EQ(outcome.code, 0) << outcome.output;
  EXPECT_EQ(contents(dir / "log"), "one\ntw\nthree\n");
}

std::vector<std::pair<int, std::string>> emitted;

TEST(LogSink, GivesSyslogALineAtATimeWithItsPriority) {
  emitted.clear();
  SyslogSink sink("deferd", LOG_MAIL, [](int priority, const char* line) { emitted.emplace_back(priority, line); });
  const std::string_view lines = "<6>rcpt.defer n=1\n<3>store.io what=\"100%s\"\nbare\n";
  EXPECT_EQ(sink.write(lines, {}), lines.size());
  const std::vector<std::pair<int, std::string>> expected{
      {LOG_INFO, "rcpt.defer n=1"}, {LOG_ERR, "store.io what=\"100%s\""}, {LOG_INFO, "bare"}};
  EXPECT_EQ(emitted, expected);
}

TEST(LogSink, KnowsTheJournalByDeviceAndInode) {
  const TempDir dir;
  const int fd = open((dir / "stream").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  struct stat status {};
  ASSERT_EQ(fstat(fd, &status), 0);
  const auto name = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
  EXPECT_TRUE(is_journal(fd, name.c_str()));
  EXPECT_FALSE(is_journal(fd, (name + "1").c_str()));
  EXPECT_FALSE(is_journal(fd, "nonsense"));
  EXPECT_FALSE(is_journal(fd, nullptr));
  close(fd);
}

TEST(LogSink, KnowsTheFacilitiesOfSyslog) {
  EXPECT_EQ(facility_of("mail"), LOG_MAIL);
  EXPECT_EQ(facility_of("local7"), LOG_LOCAL7);
  EXPECT_EQ(facility_of("local8"), -1);
}

TEST(LogConfig, RefusesWhatIsNeitherASinkNorAPath) {
  const auto wrong = [](const char* key, const char* value) {
    Problems problems;
    Value config;
    config.set(key, value);
    LogConfig::schema().read(config, problems);
    return problems.failed() ? problems.list()[0].message : std::string();
  };
  EXPECT_EQ(wrong("to", "sderr"), "to: 'sderr' is neither stderr nor syslog; write a file as ./sderr");
  EXPECT_EQ(wrong("to", "./sderr"), "");
  EXPECT_EQ(wrong("facility", "post"), "facility: 'post' is no facility of syslog(3)");
  EXPECT_EQ(wrong("ident", ""), "ident must not be empty");
}

}  // namespace
}  // namespace deferd
