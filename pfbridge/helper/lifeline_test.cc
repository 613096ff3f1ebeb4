#include "pfbridge/helper/lifeline.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace deferd::bridge {
namespace {

bool is_readable(int descriptor) {
  pollfd one{descriptor, POLLIN, 0};
  return ::poll(&one, 1, 0) == 1;
}

TEST(LifelineTest, IsCutWhenTheOtherEndIsClosed) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  Lifeline lifeline(ends[0]);
  ASSERT_EQ(lifeline.descriptor(), ends[0]);
  EXPECT_FALSE(lifeline.is_cut());
  EXPECT_FALSE(is_readable(lifeline.descriptor()));
  ::close(ends[1]);
  EXPECT_TRUE(is_readable(lifeline.descriptor()));
  EXPECT_TRUE(lifeline.is_cut());
  EXPECT_TRUE(lifeline.is_cut());
  ::close(ends[0]);
}

TEST(LifelineTest, DoesNotMindWhatIsSaid) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  Lifeline lifeline(ends[0]);
  ASSERT_EQ(::write(ends[1], "x", 1), 1);
  EXPECT_FALSE(lifeline.is_cut());
  EXPECT_FALSE(is_readable(lifeline.descriptor())) << "or the helper would never rest";
  ::close(ends[1]);
  EXPECT_TRUE(lifeline.is_cut());
  ::close(ends[0]);
}

TEST(LifelineTest, IsNothingButAPipe) {
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  int sockets[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
  ::close(sockets[1]);
  for (const int input : {nothing, sockets[0], -1}) {
    Lifeline lifeline(input);
    EXPECT_EQ(lifeline.descriptor(), -1);
    EXPECT_FALSE(lifeline.is_cut());
  }
  ::close(nothing);
  ::close(sockets[0]);
}

}  // namespace
}  // namespace deferd::bridge
