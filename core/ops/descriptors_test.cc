#include "ops/descriptors.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "ops/test_support.h"

namespace deferd {
namespace {

using test::in_child;
using test::TempDir;

bool is_open(int fd) { return fcntl(fd, F_GETFD) != -1; }

Errc error_of(const Result<Message>& result) { return result ? Errc{} : result.error().code; }

TEST(Descriptors, CrossASocketWithTheMessage) {
  const TempDir dir;
  std::ofstream(dir / "file") << "contents";
  const auto [here, there] = make_socket_pair();
  const Descriptor file(open((dir / "file").c_str(), O_RDONLY | O_CLOEXEC));
  const int fd = file.get();
  ASSERT_TRUE(send_fds(here.get(), "take it", {&fd, 1}));
  const auto message = receive_fds(there.get(), 100, 1);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->bytes, "take it");
  ASSERT_EQ(message->descriptors.size(), 1u);
  const int received = message->descriptors[0].get();
  EXPECT_NE(received, fd);
  EXPECT_NE(fcntl(received, F_GETFD) & FD_CLOEXEC, 0);
  char bytes[100];
  EXPECT_EQ(read(received, bytes, sizeof bytes), 8);
}

TEST(Descriptors, AreLeftAloneWhenNoneAreSent) {
  const auto [here, there] = make_socket_pair();
  ASSERT_TRUE(send_fds(here.get(), "a", {}));
  ASSERT_TRUE(send_fds(here.get(), "b", {}));
  EXPECT_EQ(receive_fds(there.get(), 1, 0)->bytes, "a");  // messages stay apart
  EXPECT_EQ(receive_fds(there.get(), 1, 0)->bytes, "b");
}

TEST(Descriptors, AreClosedWhenTheMessageIsRefused) {
  const auto [here, there] = make_socket_pair();
  const int fd = here.get();
  const int fds[] = {fd, fd};
  const int next = dup(0);
  close(next);
  ASSERT_TRUE(send_fds(here.get(), "too long", {&fd, 1}));
  EXPECT_EQ(error_of(receive_fds(there.get(), 3, 1)), Errc::invalid);
  ASSERT_TRUE(send_fds(here.get(), "two", fds));
  EXPECT_EQ(error_of(receive_fds(there.get(), 3, 1)), Errc::invalid);
  EXPECT_FALSE(is_open(next));
}

TEST(Descriptors, SayThatThereIsNothingOrNobody) {
  auto [here, there] = make_socket_pair();
  EXPECT_EQ(error_of(receive_fds(there.get(), 1, 0)), Errc::busy);
  here = {};
  EXPECT_EQ(error_of(receive_fds(there.get(), 1, 0)), Errc::unavailable);
  const auto sent = send_fds(there.get(), "x", {});
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Errc::unavailable);
}

TEST(Descriptors, DoNotWaitForAReaderThatDoesNotRead) {
  const auto [here, there] = make_socket_pair();
  Result<void> sent;
  for (int i = 0; i < 100'000 && sent; ++i) sent = send_fds(here.get(), "x", {});
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Errc::busy);
}

TEST(Descriptors, AreAllClosedButThoseKept) {
  const auto outcome = in_child([] {
    int fds[6];
    for (int& fd : fds) fd = dup(0);
    const int far = fcntl(0, F_DUPFD, 200);
    close_all_but({fds[4], fds[1], 2, far});
    for (int i = 0; i < 6; ++i)
      if (is_open(fds[i]) != (i == 1 || i == 4)) return 1;
    if (!is_open(far) || !is_open(0) || !is_open(1) || !is_open(2)) return 2;
    close_all_but({});
    return is_open(far) || is_open(fds[1]) ? 3 : 0;
  });
  EXPECT_EQ(outcome.code, 0);
}

}  // namespace
}  // namespace deferd
