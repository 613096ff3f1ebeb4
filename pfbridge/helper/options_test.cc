#include "pfbridge/helper/options.h"

#include <gtest/gtest.h>

namespace deferd::bridge {
namespace {

TEST(OptionsTest, ReadsTablesAndAllElse) {
  std::string error;
  const auto options = parse_options(
      {"--table", "white=pf:deferd/white", "--table", "white=file:/var/www/white.txt", "--bypass", "pf:deferd-bypass",
       "--patience", "90", "--pfctl", "doas  pfctl", "--user", "_deferd", "--socket", "/run/deferd/helper.sock"},
      error);
  EXPECT_EQ(error, "");
  ASSERT_EQ(options.tables.size(), 2u);
  EXPECT_EQ(options.tables[0].name, "white");
  EXPECT_EQ(options.tables[0].kind, "pf");
  EXPECT_EQ(options.tables[0].place, "deferd/white");
  EXPECT_EQ(options.tables[1].place, "/var/www/white.txt");
  EXPECT_EQ(options.bypass, "pf:deferd-bypass");
  EXPECT_EQ(options.patience, std::chrono::seconds(90));
  EXPECT_EQ(options.pfctl, (std::vector<std::string>{"doas", "pfctl"}));
  EXPECT_EQ(options.user, "_deferd");
  EXPECT_EQ(options.socket, "/run/deferd/helper.sock");
}

TEST(OptionsTest, SaysWhatIsWrong) {
  const std::pair<std::vector<std::string>, const char*> wrong[] = {
      {{}, "no --table"},
      {{"--tables", "x"}, "unknown option --tables"},
      {{"--table"}, "--table needs a value"},
      {{"--table", "white"}, "--table white: not NAME=KIND:PLACE"},
      {{"--table", "white=ipfw:x"}, "--table white=ipfw:x: not NAME=KIND:PLACE"},
      {{"--table", "white=pf:"}, "--table white=pf:: not NAME=KIND:PLACE"},
      {{"--table", "wh ite=pf:x"}, "--table wh ite=pf:x: not NAME=KIND:PLACE"},
      {{"--table", "white=pf:x", "--bypass", "y"}, "--bypass y: not KIND:PLACE"},
      {{"--table", "white=pf:x", "--patience", "1m"}, "--patience 1m: not a number of seconds from 20 to 86400"},
      {{"--table", "white=pf:x", "--patience", "5"}, "--patience 5: not a number of seconds from 20 to 86400"},
      {{"--table", "white=pf:x", "--pfctl", " "}, "--pfctl: no command"},
  };
  for (const auto& [words, expected] : wrong) {
    std::string error;
    parse_options(words, error);
    EXPECT_EQ(error, expected);
  }
}

TEST(OptionsTest, HelpNeedsNothingElse) {
  std::string error;
  EXPECT_TRUE(parse_options({"--help"}, error).help);
  EXPECT_EQ(error, "");
}

}  // namespace
}  // namespace deferd::bridge
