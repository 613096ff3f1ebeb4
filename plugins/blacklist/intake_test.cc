#include "intake.h"

#include <gmock/gmock.h>

#include "support/many.h"
#include "testing_support.h"

namespace deferd::blacklist {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class IntakeTest : public ::testing::Test {
 protected:
  IntakeTest() {
    spec.min_entries = 1;
    spec.max_entries = 1000;
    spec.max_bytes = 1 << 20;
    spec.max_ipv4 = 100'000;
    spec.max_ipv6 = 1000;
  }
  /// In two pieces.
  Result<Content> take(std::string_view body, std::size_t first = 0) {
    Intake intake(spec, stop);
    auto done = intake.take(body.substr(0, first));
    if (done) done = intake.take(body.substr(first));
    if (!done) return tl::unexpected(done.error());
    digest = intake.digest();
    return intake.finish();
  }

  FeedSpec spec;
  std::atomic<bool> stop{false};
  std::string digest;
};

TEST_F(IntakeTest, IsTheSameWhereverWhatComesIsCut) {
  const std::string text = "# list\r\n192.0.2.0/24\nbad\n2001:db8::7\n198.51.100.1 - 198.51.100.9";
  for (const auto& body : {text, packed(text), packed(text.substr(0, 30)) + packed(text.substr(30))})
    for (std::size_t first = 0; first <= body.size(); ++first) {
      const auto content = take(body, first);
      ASSERT_TRUE(content) << content.error().what;
      EXPECT_TRUE(content->set.contains(*Address::parse("198.51.100.9")));
      EXPECT_EQ(content->set.coverage(), (Coverage{256 + 9, 1}));
      EXPECT_EQ(content->entries, 3u);
      EXPECT_THAT(content->remarks, ElementsAre("line 3: 'bad' is no address and no prefix"));
      EXPECT_EQ(digest, sha256_of(body));
    }
}

TEST_F(IntakeTest, RefusesHalfOfWhatIsPackedWhereverItIsCut) {
  const auto body = packed("192.0.2.1\n192.0.2.2\n");
  for (std::size_t size = 2; size < body.size(); ++size)
    EXPECT_EQ(take(std::string_view(body).substr(0, size), size / 2).error().what, "is cut off: the packed data does not end");
}

TEST_F(IntakeTest, EndsAsSoonAsItCannotBecomeAList) {
  spec.max_entries = 2;
  Intake intake(spec, stop);
  ASSERT_TRUE(intake.take("192.0.2.1\n192.0.2.2\n192.0.2.3"));
  EXPECT_EQ(intake.take("\n").error().what, "has more than 2 entries");
  EXPECT_EQ(take(packed(std::string(10 << 20, '\n'))).error().what, "is larger than 1048576 bytes when unpacked");
}

TEST_F(IntakeTest, EndsWithinABombWhenItIsStopped) {
  stop = true;
  EXPECT_EQ(take(packed(std::string(1 << 20, '\n'))).error().what, "was stopped");
}

TEST_F(IntakeTest, IsNoListWithoutEntriesOrWithMoreBadLinesThanGood) {
  EXPECT_THAT(take("").error().what, HasSubstr("has only 0 entries"));
  EXPECT_THAT(take(std::string_view("\0\0\0", 3)).error().what, HasSubstr("is no list: 1 lines cannot be read"));
  EXPECT_THAT(take("<html>\n192.0.2.1\n</html>\n").error().what, HasSubstr("is no list: 2 lines cannot be read"));
}

/// More entries than are kept as they came, each given twice.
TEST_F(IntakeTest, TakesEntriesByTheMillion) {
  constexpr std::uint32_t kCount = many(600'000);
  spec.max_entries = 2 * kCount;
  spec.max_bytes = 1 << 30;
  spec.max_ipv4 = kCount;
  Intake intake(spec, stop);
  for (int round = 0; round < 2; ++round) {
    std::string piece;
    for (std::uint32_t i = 0; i < kCount; ++i) {
      piece += Address::v4(2 * ((i * 7 + 1) % kCount)).to_string() + "\n";
      if (piece.size() < 100'000 && i + 1 < kCount) continue;
      ASSERT_TRUE(intake.take(piece));
      piece.clear();
    }
  }
  const auto content = intake.finish();
  ASSERT_TRUE(content) << content.error().what;
  EXPECT_EQ(content->entries, 2 * kCount);
  EXPECT_EQ(content->set.size(), kCount);
  EXPECT_EQ(content->set.coverage().v4_addresses, kCount);
}

}  // namespace
}  // namespace deferd::blacklist
