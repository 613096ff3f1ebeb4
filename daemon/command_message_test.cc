#include "daemon/command_message.h"

#include <gtest/gtest.h>

#include "ops/spawn.h"

namespace deferd {
namespace {

StartCommand example_start() {
  StartCommand start{7, {}};
  start.command.words = {"ssh", "", "fire wall; $(id)"};
  start.command.talk = Command::Talk::both;
  start.command.at_end = Command::AtEnd::left;
  return start;
}

TEST(CommandMessage, ComesBackAsItWas) {
  for (const auto talk : {Command::Talk::listen, Command::Talk::both})
    for (const auto errors : {Command::Errors::dropped, Command::Errors::shown})
      for (const auto at_end : {Command::AtEnd::killed, Command::AtEnd::left}) {
        auto start = example_start();
        start.command.talk = talk;
        start.command.errors = errors;
        start.command.at_end = at_end;
        const auto read = read_order(to_bytes(start));
        ASSERT_TRUE(read);
        const auto& same = std::get<StartCommand>(*read);
        EXPECT_EQ(same.id, 7u);
        EXPECT_EQ(same.command.words, start.command.words);
        EXPECT_EQ(same.command.talk, talk);
        EXPECT_EQ(same.command.errors, errors);
        EXPECT_EQ(same.command.at_end, at_end);
      }
  EXPECT_EQ(std::get<KillCommand>(read_order(to_bytes(KillCommand{9})).value()).id, 9u);
}

TEST(CommandMessage, ComesBackAsItWasToldOfAnEnd) {
  for (const auto how : {CommandEnd::How::exited, CommandEnd::How::killed, CommandEnd::How::not_executed}) {
    const auto report = read_report(to_bytes(CommandEnded{8, {how, 255}}));
    ASSERT_TRUE(report);
    EXPECT_EQ(report->id, 8u);
    EXPECT_EQ(report->end.how, how);
    EXPECT_EQ(report->end.code, 255);
  }
  EXPECT_FALSE(read_report(to_bytes(CommandEnded{8, {CommandEnd::How::lost, 0}}))) << "nobody says that of himself";
}

TEST(CommandMessage, IsNothingElse) {
  const auto start = to_bytes(example_start()), kill = to_bytes(KillCommand{9}), ended = to_bytes(CommandEnded{8, {}});
  for (std::size_t size = 0; size < kill.size(); ++size) EXPECT_FALSE(read_order(kill.substr(0, size))) << size;
  for (std::size_t size = 0; size < ended.size(); ++size) EXPECT_FALSE(read_report(ended.substr(0, size))) << size;
  EXPECT_FALSE(read_order(start.substr(0, start.size() - 1))) << "a word without an end";
  EXPECT_FALSE(read_order(start.substr(0, 6))) << "no word";
  EXPECT_FALSE(read_order(kill + "x"));
  EXPECT_FALSE(read_report(ended + "x"));
  EXPECT_FALSE(read_order(ended));
  EXPECT_FALSE(read_report(kill));
  auto unknown_flag = start;
  unknown_flag[5] = 8;
  EXPECT_FALSE(read_order(unknown_flag));
}

TEST(CommandMessage, OfTheLargestCommandFits) {
  StartCommand start{1, {}};
  start.command.words = {std::string(kMostCommandBytes - 1, 'x')};
  ASSERT_TRUE(check_command(start.command));
  EXPECT_LE(to_bytes(start).size(), kMostMessageBytes);
  EXPECT_TRUE(read_order(to_bytes(start)));
  start.command.words = {std::string(kMostCommandBytes, 'x')};
  EXPECT_FALSE(read_order(to_bytes(start)));
}

}  // namespace
}  // namespace deferd
