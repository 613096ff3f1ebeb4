#include "pfbridge/helper/sandbox.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace deferd::bridge {
namespace {

TEST(SandboxTest, NeedsWhatTheTablesTake) {
  Options options;
  options.tables = {{"white", "nft", "inet/deferd/white4"}};
  Needs needs = Needs::of(options);
  EXPECT_TRUE(needs.netlink);
  EXPECT_FALSE(needs.programs || needs.pf_device || !needs.folders.empty());
  options.tables = {{"white", "file", "/var/www/white.txt"}, {"black", "file", "black"}, {"trapped", "pf", "trapped"}};
  options.bypass = "pfctl:bypass";
  needs = Needs::of(options);
  EXPECT_EQ(needs.folders, (std::vector<std::string>{"/var/www/", "."}));
  EXPECT_TRUE(needs.programs && needs.pf_device);
  EXPECT_FALSE(needs.netlink);
}

TEST(SandboxTest, SaysWhatToDoAboutAUserThatIsNotThere) {
  EXPECT_EQ(become("no-such-user"), "no user no-such-user; create it, or name another by --user");
}

}  // namespace
}  // namespace deferd::bridge
