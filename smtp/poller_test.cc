#include "smtp/poller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <string>
#include <vector>

namespace deferd::smtp {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PollerTest : public ::testing::Test {
 protected:
  PollerTest() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0); }
  ~PollerTest() override {
    for (const int end : ends)
      if (end >= 0) ::close(end);
  }

  std::vector<std::string> told() {
    std::vector<std::string> all;
    for (const auto& event : poller.take())
      all.push_back(*static_cast<const char*>(event.tag) + std::string(event.readable ? " readable" : "") +
                    (event.writable ? " writable" : "") + (event.ended ? " ended" : ""));
    return all;
  }
  /// As an event loop sees it that waits for the poller.
  bool has_events() {
    if (!waiter.is_open()) poller.lend_to(waiter);
    bool has = false;
    waiter.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                      [&has](const boost::system::error_code& error) { has = !error; });
    context.restart();
    context.poll();
    waiter.cancel();
    context.restart();
    context.poll();
    return has;
  }
  void say() { EXPECT_EQ(::send(ends[1], "x", 1, 0), 1); }

  boost::asio::io_context context;
  boost::asio::posix::stream_descriptor waiter{context};
  Poller poller;
  int ends[2] = {-1, -1};
  char tag = 'a';
};

TEST_F(PollerTest, TellsEachChangeOnce) {
  ASSERT_TRUE(poller.add(ends[0], &tag));
  EXPECT_FALSE(has_events());
  say();
  EXPECT_TRUE(has_events());
  EXPECT_THAT(told(), ElementsAre("a readable"));
  EXPECT_FALSE(has_events());
  say();
  EXPECT_THAT(told(), ElementsAre("a readable"));
}

TEST_F(PollerTest, TellsWhatWasThereBefore) {
  say();
  ASSERT_TRUE(poller.add(ends[0], &tag));
  EXPECT_THAT(told(), ElementsAre("a readable"));
}

TEST_F(PollerTest, TellsOfTheEndThatComesWithTheLastWords) {
  ASSERT_TRUE(poller.add(ends[0], &tag));
  say();
  ::shutdown(ends[1], SHUT_WR);
  EXPECT_THAT(told(), ElementsAre("a readable ended"));
}

TEST_F(PollerTest, TellsOfRoomOnlyWhoAsked) {
  ASSERT_TRUE(poller.add(ends[0], &tag));
  EXPECT_THAT(told(), IsEmpty());
  ASSERT_TRUE(poller.add_writing(ends[0], &tag));
  EXPECT_THAT(told(), ElementsAre("a writable"));
}

TEST_F(PollerTest, TellsNothingMoreOfWhoLeft) {
  ASSERT_TRUE(poller.add(ends[0], &tag));
  ASSERT_TRUE(poller.add_writing(ends[0], &tag));
  say();
  poller.remove(ends[0]);
  EXPECT_THAT(told(), IsEmpty());
  ASSERT_TRUE(poller.add(ends[0], &tag)) << "it may come again";
  EXPECT_THAT(told(), ElementsAre("a readable"));
}

TEST_F(PollerTest, SaysThatThereIsNothingToWatch) { EXPECT_FALSE(poller.add(-1, &tag)); }

}  // namespace
}  // namespace deferd::smtp
