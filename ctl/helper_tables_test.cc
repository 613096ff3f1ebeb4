#include "ctl/helper_tables.h"

#include <gmock/gmock.h>

#include "ctl/sick_host.h"

namespace deferd::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(HelperTables, AreReadFromTheHelpersCommandLines) {
  const auto plan = read_helpers(json(
      R"([["/usr/libexec/deferd-helper", "--table", "white=nft:inet/deferd/white4,white6,prefixes4", "--table", "white=file:/srv/white",
           "--bypass", "nft:inet/deferd/,,bypass4,bypass6", "--socket", "/run/deferd/helper.sock"],
          ["deferd-helper", "--capture", "nflog:155=in", "--capture", "nflog:255=out"],
          ["something-else", "--table", "black=pf:black"], "no list"])"));
  ASSERT_EQ(plan.tables.size(), 2u);
  EXPECT_EQ(plan.tables[0].name, "white");
  EXPECT_THAT(plan.tables[0].sets_of(Family::v4), ElementsAre("inet/deferd/white4", "inet/deferd/prefixes4"));
  EXPECT_THAT(plan.tables[0].sets_of(Family::v6), ElementsAre("inet/deferd/white6"));
  ASSERT_NE(plan.table("bypass"), nullptr);
  EXPECT_THAT(plan.table("bypass")->sets_of(Family::v4), ElementsAre("inet/deferd/bypass4"));
  EXPECT_EQ(plan.table("black"), nullptr);
  EXPECT_THAT(plan.captures, ElementsAre("nflog:155", "nflog:255"));
  EXPECT_FALSE(plan.elsewhere);
}

TEST(HelperTables, OfPfServeBothFamilies) {
  const auto plan = read_helpers(json(R"([["deferd-helper", "--table", "white=pfctl:a/b/w"]])"));
  ASSERT_EQ(plan.tables.size(), 1u);
  EXPECT_EQ(plan.tables[0].within, "a/b");
  EXPECT_THAT(plan.tables[0].sets_of(Family::v6), ElementsAre("w"));
}

TEST(HelperTables, OfAnotherHostAreLeftOut) {
  for (const char* argv : {R"([["ssh", "fw", "deferd-helper", "--table", "white=pf:w"]])",
                           R"([["deferd-helper", "--pfctl", "/usr/bin/ssh root@fw pfctl", "--table", "white=pfctl:w"]])"}) {
    const auto plan = read_helpers(json(argv));
    EXPECT_TRUE(plan.elsewhere) << argv;
    EXPECT_THAT(plan.tables, IsEmpty());
  }
}

TEST(HelperTables, SurviveAnyCommandLine) {
  for (const char* argv : {R"([["deferd-helper", "--table"]])", R"([["deferd-helper", "--table", "white"]])", R"([[]])", "[]",
                           R"([["deferd-helper", "--table", "white=pf"]])", R"([["deferd-helper", "--pfctl", ""]])"})
    EXPECT_THAT(read_helpers(json(argv)).tables, IsEmpty()) << argv;
}

}  // namespace
}  // namespace deferd::ctl
