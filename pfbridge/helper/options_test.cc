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

TEST(OptionsTest, ReadsWhatToCapture) {
  std::string error;
  const auto options = parse_options({"--capture", "pflog1", "--capture", "nflog:155=in", "--capture", "nflog:255=out",
                                      "--capture", "nflog:7", "--pcap", "/tmp/a=in", "--interface", "em0", "--interface", "em1"},
                                     error);
  EXPECT_EQ(error, "");
  ASSERT_EQ(options.captures.size(), 5u);
  EXPECT_EQ(options.captures[0].device, "pflog1");
  EXPECT_FALSE(options.captures[0].direction);
  EXPECT_EQ(options.captures[1].device, "nflog:155");
  EXPECT_EQ(options.captures[1].direction, Direction::in);
  EXPECT_EQ(options.captures[2].direction, Direction::out);
  EXPECT_EQ(options.captures[3].device, "nflog:7");
  EXPECT_FALSE(options.captures[3].direction);
  EXPECT_FALSE(options.captures[3].is_file);
  EXPECT_EQ(options.captures[4].device, "/tmp/a=in");
  EXPECT_TRUE(options.captures[4].is_file);
  EXPECT_EQ(options.interfaces, (std::vector<std::string>{"em0", "em1"}));
}

TEST(OptionsTest, SaysWhatIsWrong) {
  constexpr const char* kNoDevice = ": not the name of an interface such as pflog0, nor nflog:GROUP[=in|out]";
  const std::pair<std::vector<std::string>, std::string> wrong[] = {
      {{}, "no --table and no --capture"},
      {{"--tables", "x"}, "unknown option --tables"},
      {{"--table"}, "--table needs a value"},
      {{"--table", "white"}, "--table white: not NAME=KIND:PLACE"},
      {{"--table", "white=ipfw:x"}, "--table white=ipfw:x: not NAME=KIND:PLACE"},
      {{"--table", "white=pf:"}, "--table white=pf:: not NAME=KIND:PLACE"},
      {{"--table", "wh ite=pf:x"}, "--table wh ite=pf:x: not NAME=KIND:PLACE"},
      {{"--table", "white=pf:x", "--bypass", "y"}, "--bypass y: not KIND:PLACE"},
      {{"--table", "white=pf:x", "--patience", "1m"}, "--patience 1m: not a number of seconds from 20 to 86400"},
      {{"--table", "white=pf:x", "--patience", "5"}, "--patience 5: not a number of seconds from 20 to 86400"},
      {{"--table", "white=pf:x", "--pfctl", " "}, "--pfctl  : no command"},
      {{"--capture", "nflog:"}, std::string("--capture nflog:") + kNoDevice},
      {{"--capture", "nflog:70000"}, std::string("--capture nflog:70000") + kNoDevice},
      {{"--capture", "nflog:5=up"}, std::string("--capture nflog:5=up") + kNoDevice},
      {{"--capture", "pflog0=in"}, std::string("--capture pflog0=in") + kNoDevice},
      {{"--capture", "/etc/passwd"}, std::string("--capture /etc/passwd") + kNoDevice},
      {{"--capture", "pflog0", "--table", "white=pf:x"}, "--capture beside tables: run two helpers, each with one privilege"},
      {{"--pcap", "x", "--bypass", "pf:x"}, "--capture beside tables: run two helpers, each with one privilege"},
      {{"--table", "white=pf:x", "--interface", "em0"}, "--interface is for --capture"},
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
