#include "daemon/monitor_link.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "ops/test_support.h"

namespace deferd {
namespace {

using namespace std::chrono_literals;

class MonitorLinkTest : public ::testing::Test {
 protected:
  MonitorLinkTest() : MonitorLinkTest(make_link()) {}
  explicit MonitorLinkTest(std::pair<LinkEnd, LinkEnd> ends)
      : raw_life(ends.second.life.get()), raw_files(ends.second.files.get()) {
    worker.emplace(std::move(ends.first));
    monitor.emplace(std::move(ends.second), 30s);
  }
  static bool wait_readable(pollfd waiting) { return ::poll(&waiting, 1, 30'000) == 1; }
  std::optional<Notice> next() { return worker->notice().value(); }

  const int raw_life, raw_files;  // the worker's, to say what MonitorLink never does
  std::optional<WorkerLink> worker;
  std::optional<MonitorLink> monitor;
};

TEST_F(MonitorLinkTest, TellsTheMonitorHowTheWorkerDoes) {
  EXPECT_EQ(next(), std::nullopt);
  monitor->ready();
  monitor->reloading({});
  monitor->reloaded();
  monitor->stopping();
  monitor->alive();
  EXPECT_EQ(next(), Notice::ready);
  EXPECT_EQ(next(), Notice::reloading);
  EXPECT_EQ(next(), Notice::reloaded);
  EXPECT_EQ(next(), Notice::stopping);
  EXPECT_EQ(next(), Notice::alive);
  EXPECT_EQ(next(), std::nullopt);
  EXPECT_EQ(monitor->watchdog(), 30s);
}

TEST_F(MonitorLinkTest, ShowsEachThatTheOtherHasEnded) {
  auto gone = monitor->gone();
  EXPECT_EQ(::poll(&gone, 1, 0), 0);
  worker.reset();
  EXPECT_TRUE(wait_readable(monitor->gone()));
  EXPECT_FALSE(monitor->open(smtp::TlsFile::key));
}

TEST_F(MonitorLinkTest, ShowsTheMonitorThatTheWorkerHasEnded) {
  monitor->alive();
  monitor.reset();
  EXPECT_EQ(next(), Notice::alive) << "what it said last is heard";
  const auto heard = worker->notice();
  ASSERT_FALSE(heard);
  EXPECT_EQ(heard.error().code, Errc::unavailable);
  EXPECT_FALSE(worker->question());
}

TEST_F(MonitorLinkTest, LendsFiles) {
  const test::TempDir dir;
  std::ofstream(dir / "key") << "secret";
  std::jthread answering([&] {
    EXPECT_TRUE(wait_readable(worker->questions()));
    EXPECT_EQ(worker->question().value(), smtp::TlsFile::key);
    worker->answer(smtp::open_tls_file(smtp::TlsFile::key, dir / "key"), 0);
  });
  const auto file = monitor->open(smtp::TlsFile::key);
  ASSERT_TRUE(file);
  char bytes[100];
  EXPECT_EQ(::read(file.get(), bytes, sizeof bytes), 6);
}

TEST_F(MonitorLinkTest, PassesOnWhyAFileCannotBeLent) {
  std::jthread answering([&] {
    EXPECT_TRUE(wait_readable(worker->questions()));
    EXPECT_EQ(worker->question().value(), smtp::TlsFile::client_ca);
    worker->answer({}, ENOENT);
  });
  EXPECT_FALSE(monitor->open(smtp::TlsFile::client_ca));
  EXPECT_EQ(errno, ENOENT);
}

TEST_F(MonitorLinkTest, HandsOnTheLatestChannel) {
  EXPECT_FALSE(monitor->next_channel());
  const auto former = make_socket_pair(), latest = make_socket_pair();
  ASSERT_TRUE(worker->lend_channel(former.first));
  ASSERT_TRUE(worker->lend_channel(latest.first));
  const auto channel = monitor->next_channel();
  ASSERT_TRUE(channel);
  ASSERT_TRUE(send_fds(channel.get(), "x", {}));
  EXPECT_EQ(receive_fds(latest.second.get(), 1, 0)->bytes, "x");
  EXPECT_FALSE(monitor->next_channel());
}

TEST_F(MonitorLinkTest, HearsNothingMoreOfAWorkerThatSaysSomethingElse) {
  ASSERT_TRUE(send_fds(raw_life, "?", {}));
  EXPECT_EQ(worker->notice().error().code, Errc::invalid);
  ASSERT_TRUE(send_fds(raw_life, "rr", {}));
  EXPECT_EQ(worker->notice().error().code, Errc::invalid);
  ASSERT_TRUE(send_fds(raw_life, "r", {&raw_life, 1}));
  EXPECT_EQ(worker->notice().error().code, Errc::invalid);
}

TEST_F(MonitorLinkTest, AnswersNoMoreQuestionsOfAWorkerThatAsksSomethingElse) {
  ASSERT_TRUE(send_fds(raw_files, "/etc/shadow", {}));
  EXPECT_EQ(worker->question().error().code, Errc::invalid);
  EXPECT_EQ(worker->questions().fd, -1);
  EXPECT_FALSE(monitor->open(smtp::TlsFile::key));
  EXPECT_EQ(errno, EPIPE);
  EXPECT_EQ(next(), std::nullopt) << "what it tells is heard";
}

}  // namespace
}  // namespace deferd
