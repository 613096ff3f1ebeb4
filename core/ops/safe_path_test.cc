#include "ops/safe_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "ops/privileges.h"
#include "ops/test_support.h"

namespace deferd {
namespace {

using test::TempDir;
using ::testing::HasSubstr;

class SafePathTest : public ::testing::Test {
 protected:
  SafePathTest() {
    std::filesystem::create_directories(dir / "a/b");
    std::ofstream(dir / "a/b/x.so") << "code";
    for (const char* name : {"a", "a/b", "a/b/x.so"}) chmod((dir / name).c_str(), 0755);
  }
  std::string refusal(const std::string& path) const {
    const auto safe = check_safe(path);
    return safe ? "safe" : safe.error().what;
  }
  TempDir dir;
};

TEST_F(SafePathTest, TakesWhatOnlyWeCanWriteTo) {
  EXPECT_EQ(refusal(dir / "a/b/x.so"), "safe");
  EXPECT_EQ(refusal(dir / "a/b"), "safe");
  EXPECT_EQ(refusal("/"), "safe");
  EXPECT_EQ(refusal("/usr/lib"), "safe");
}

TEST_F(SafePathTest, RefusesAFileOthersCanWriteTo) {
  chmod((dir / "a/b/x.so").c_str(), 0757);
  EXPECT_EQ(refusal(dir / "a/b/x.so"),
            (dir / "a/b/x.so") + " (mode 0757) can be written to by others: chmod go-w " + (dir / "a/b/x.so"));
}

TEST_F(SafePathTest, RefusesADirectoryItsGroupCanWriteTo) {
  chmod((dir / "a").c_str(), 0775);
  EXPECT_EQ(refusal(dir / "a/b/x.so"), (dir / "a") + " (mode 0775) can be written to by its group: chmod g-w " + (dir / "a"));
}

TEST_F(SafePathTest, TakesAStickyDirectoryOnTheWayButNotAsAPlace) {
  chmod((dir / "a").c_str(), 01777);
  EXPECT_EQ(refusal(dir / "a/b/x.so"), "safe");
  EXPECT_THAT(refusal(dir / "a"), HasSubstr("(mode 1777) is a place for everybody's files"));
  EXPECT_NE(refusal("/tmp"), "safe");
}

TEST_F(SafePathTest, RefusesWhatBelongsToSomebodyElse) {
  // Only root can give files away; whoever cannot sees that root's own are safe.
  const bool given = chown((dir / "a/b").c_str(), 4242424, static_cast<gid_t>(-1)) == 0;
  EXPECT_EQ(given, geteuid() == 0);
  EXPECT_EQ(refusal(dir / "a/b/x.so"), given ? (dir / "a/b") + " belongs to uid 4242424, who could put other code there: chown " +
                                                   user_name(geteuid()) + " " + (dir / "a/b")
                                             : "safe");
}

TEST_F(SafePathTest, FollowsLinks) {
  std::filesystem::create_symlink(dir / "a/b/x.so", dir / "absolute");
  std::filesystem::create_symlink("a/../a/./b/x.so", dir / "relative");
  std::filesystem::create_symlink("b/x.so", dir / "a/inner");
  for (const char* link : {"absolute", "relative", "a/inner"}) {
    EXPECT_EQ(refusal(dir / link), "safe") << link;
    chmod((dir / "a/b").c_str(), 0777);
    EXPECT_THAT(refusal(dir / link), HasSubstr((dir / "a/b") + " (mode 0777)")) << link;
    chmod((dir / "a/b").c_str(), 0755);
  }
}

TEST_F(SafePathTest, RefusesALinkThatOthersCouldMoveElsewhere) {
  std::filesystem::create_directory(dir / "open");
  std::filesystem::create_symlink(dir / "a/b/x.so", dir / "open/link");
  chmod((dir / "open").c_str(), 0777);
  EXPECT_NE(refusal(dir / "open/link"), "safe");
}

TEST_F(SafePathTest, ChecksWhatDotsLeadThrough) {
  chmod((dir / "a/b").c_str(), 0777);
  EXPECT_NE(refusal(dir / "a/b/../b/x.so"), "safe");
  EXPECT_NE(refusal(dir / "a/b/.."), "safe");
}

TEST_F(SafePathTest, EndsOnLinksInACircle) {
  std::filesystem::create_symlink("two", dir / "one");
  std::filesystem::create_symlink("one", dir / "two");
  EXPECT_THAT(refusal(dir / "one"), HasSubstr("too many symbolic links"));
}

TEST_F(SafePathTest, SaysWhatIsMissing) {
  const auto safe = check_safe(dir / "a/c/x.so");
  ASSERT_FALSE(safe);
  EXPECT_EQ(safe.error().code, Errc::not_found);
  EXPECT_EQ(safe.error().what, (dir / "a/c") + ": No such file or directory");
}

TEST_F(SafePathTest, TakesRelativePaths) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(dir / "a");
  EXPECT_EQ(refusal("b/x.so"), "safe");
  EXPECT_EQ(refusal("./b"), "safe");
  chmod((dir / "a").c_str(), 0777);
  EXPECT_NE(refusal("b/x.so"), "safe");
  std::filesystem::current_path(before);
}

}  // namespace
}  // namespace deferd
