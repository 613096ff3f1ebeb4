#include "milter/milter_connection.h"

#include <gmock/gmock.h>

#include "deferd/testing/fake_log.h"
#include "milter/scripted_dialogue.h"

namespace deferd {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using Next = MilterConnection::Next;

std::string packet(char command, std::string_view data = {}) {
  const auto length = data.size() + 1;
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(length >> shift & 0xff);
  return out.append(1, command).append(data);
}

const std::string kNegotiate = packet('O', "\0\0\0\6\0\0\1\xff\0\x1f\xff\xff"s);
const std::string kConnect = packet('C', "mail.example.org\0"s + "4\x61\xa8" + "192.0.2.7\0"s);
const std::string kHelo = packet('H', "mail.example.org\0"s);
const std::string kMail = packet('M', "<a@example.org>\0SIZE=7\0"s);
const std::string kContinue = packet('c');

std::string rcpt(const std::string& to) { return packet('R', "<" + to + "@example.net>\0"s); }

/// What answers look like: `c`, `y451 4.7.1 ...`.
std::vector<std::string> answers(std::string_view out) {
  std::vector<std::string> all;
  for (Packet one; cut_packet(out, one) == Cut::packet;) {
    all.push_back(static_cast<char>(one.command) + std::string(one.data.substr(0, one.data.find('\0'))));
    if (one.command == MilterCommand::negotiate) all.back() = "O";
  }
  EXPECT_TRUE(out.empty());
  return all;
}

class MilterConnectionTest : public testing::Test {
 protected:
  MilterConnection& connection() {
    if (!connection_) {
      board.configure(config);
      connection_.emplace(board);
    }
    return *connection_;
  }
  /// What is answered to these bytes.
  std::vector<std::string> say(std::string_view bytes, Next expected = Next::read) {
    EXPECT_EQ(connection().take(bytes), expected);
    return said();
  }
  /// Sends what there is to be sent.
  std::vector<std::string> said() {
    const auto all = answers(connection().out());
    connection().sent();
    return all;
  }
  void greet() { say(kNegotiate + kConnect + kHelo); }

  MilterConfig config;
  Script script;
  FakeLog log;
  Metrics metrics;
  Switchboard board{config,
                    [this](Session session, Voice) { return std::make_unique<ScriptedDialogue>(script, std::move(session)); },
                    [this] { return script.hooks; }, log, metrics};

 private:
  std::optional<MilterConnection> connection_;
};

TEST_F(MilterConnectionTest, AnswersTheSameHoweverTheBytesAreCut) {
  const std::string all = kNegotiate + packet('D', "Cj\0mx\0"s) + kConnect + kHelo + kMail + rcpt("defer") + rcpt("waited") +
                          packet('T') + packet('E', "text") + kMail + rcpt("reject") + packet('A') + packet('K') + kConnect +
                          kMail + rcpt("close");
  MilterConnection whole(board);
  EXPECT_EQ(whole.take(all), Next::read);
  EXPECT_THAT(answers(whole.out()), ElementsAre("O", "y451 4.7.1 Come back in 100%% of 5 minutes", "c", "c", "hX-Greylist", "c",
                                                "y554 5.7.1 No", HasSubstr("y421 4.7.0 ")));
  for (std::size_t size = 0; size <= all.size(); ++size) {
    MilterConnection cut(board);
    EXPECT_EQ(cut.take(all.substr(0, size)), Next::read);
    EXPECT_EQ(cut.take(all.substr(size)), Next::read);
    EXPECT_EQ(cut.out(), whole.out()) << size;
  }
  MilterConnection drop_by_drop(board);
  for (const char byte : all) EXPECT_EQ(drop_by_drop.take({&byte, 1}), Next::read);
  EXPECT_EQ(drop_by_drop.out(), whole.out());
}

TEST_F(MilterConnectionTest, SpeaksVersions2To6) {
  const auto version = [&](char offered) {
    MilterConnection one(board);
    auto offer = kNegotiate;
    offer[8] = offered;
    if (one.take(offer) == Next::hang_up) return 0;
    return static_cast<int>(one.out()[8]);
  };
  EXPECT_EQ(version(1), 0);
  EXPECT_EQ(version(2), 2);
  EXPECT_EQ(version(4), 4);
  EXPECT_EQ(version(6), 6);
  EXPECT_EQ(version(7), 6);
}

TEST_F(MilterConnectionTest, HangsUpOnWhatIsNoProtocol) {
  const auto after = [&](std::string_view first, std::string_view then) {
    MilterConnection one(board);
    EXPECT_EQ(one.take(first), Next::read);
    return one.take(then);
  };
  EXPECT_EQ(after("", kConnect), Next::hang_up);  // before a negotiation
  EXPECT_EQ(after(kNegotiate, kNegotiate), Next::hang_up);
  EXPECT_EQ(after("", packet('O', "short")), Next::hang_up);
  EXPECT_EQ(after(kNegotiate, packet('Z')), Next::hang_up);
  EXPECT_EQ(after(kNegotiate, packet('Q')), Next::hang_up);
  EXPECT_EQ(after(kNegotiate, "\0\0\0\0"s), Next::hang_up);
  EXPECT_EQ(after(kNegotiate, packet('C', "no end")), Next::hang_up);
  for (const char command : "HMRL"s) EXPECT_EQ(after(kNegotiate, packet(command, "no end")), Next::hang_up) << command;
}

TEST_F(MilterConnectionTest, AnswersStepsTheMtaWaitsForAnyway) {
  auto offer = kNegotiate;
  for (std::size_t i = 13; i < 17; ++i) offer[i] = 0;  // no steps to turn off
  say(offer + kConnect);
  EXPECT_THAT(say(kHelo + kMail + rcpt("b") + packet('T') + packet('L', "A\0b\0"s) + packet('N') + packet('B') + packet('U')),
              ElementsAre("c", "c", "c", "c", "c", "c", "c", "c"));
}

TEST_F(MilterConnectionTest, KeepsMacrosForAsLongAsTheyHold) {
  say(kNegotiate + packet('D', "C{daemon_name}\0smtpd\0"s) + kConnect + packet('D', "Mi\0A1\0"s) + kMail + rcpt("b"));
  EXPECT_EQ(script.session->listener, "smtpd");
  EXPECT_EQ(script.session->queue_id, "A1");
  EXPECT_THAT(say(packet('D', "R{rcpt_mailer}\0error\0"s) + rcpt("defer")), ElementsAre("c"));  // refused already
  EXPECT_THAT(say(packet('D', "R{rcpt_mailer}\0local\0"s) + rcpt("defer")), ElementsAre(HasSubstr("y451")));
  say(packet('A') + kMail);
  EXPECT_EQ(script.session->queue_id, "");
}

TEST_F(MilterConnectionTest, BeginsANewClientWithEveryConnect) {
  greet();
  say(kMail + rcpt("b"));
  script.take();
  say(kConnect);
  EXPECT_THAT(script.take(), ElementsAre("bye"));
  say(kMail + packet('K'));
  EXPECT_THAT(script.take(), ElementsAre("open", "mail a@example.org", "bye"));
}

TEST_F(MilterConnectionTest, PausesForADelayedAnswerBeforeItGoesOn) {
  script.pace = 700ms;
  config.max_delay = 500ms;
  greet();
  EXPECT_THAT(say(kMail + rcpt("defer") + rcpt("reject") + rcpt("b"), Next::pause), ElementsAre(HasSubstr("y451")));
  EXPECT_EQ(connection().pace(), 500ms);
  EXPECT_EQ(connection().go_on(), Next::pause);
  EXPECT_THAT(said(), ElementsAre(HasSubstr("y554")));
  EXPECT_EQ(connection().go_on(), Next::read);
  EXPECT_THAT(answers(connection().out()), ElementsAre("c"));
  EXPECT_EQ(connection().pace(), 0ms);
}

TEST_F(MilterConnectionTest, PausesBeforeItsAnswersGrowWithoutBound) {
  greet();
  std::string many = kMail;
  for (int i = 0; i < 10000; ++i) many += rcpt("defer");
  EXPECT_EQ(connection().take(many), Next::pause);
  std::size_t answered = 0;
  for (auto next = Next::pause; next == Next::pause; next = connection().go_on()) {
    EXPECT_LT(connection().out().size(), MilterConnection::kMaxOut + 20000);
    answered += said().size();
  }
  EXPECT_EQ(answered + answers(connection().out()).size(), 10000u);
}

TEST_F(MilterConnectionTest, PassesTheRestOfAConnectionAfterAFault) {
  greet();
  EXPECT_THAT(say(kMail + rcpt("throw") + rcpt("defer") + packet('A') + kMail + rcpt("defer")), ElementsAre("c", "c", "c"));
  EXPECT_EQ(log.count("milter.fault at=rcpt"), 1u);
  EXPECT_THAT(say(packet('K') + kConnect + kMail + rcpt("defer")), ElementsAre(HasSubstr("y451")));
}

TEST_F(MilterConnectionTest, CountsMessagesInProgress) {
  greet();
  EXPECT_TRUE(board.wait_until_idle(0ms));
  say(kMail);
  EXPECT_FALSE(board.wait_until_idle(0ms));
  say(rcpt("defer"));
  EXPECT_TRUE(board.wait_until_idle(0ms));  // nothing is lost if the milter leaves now
  say(rcpt("b"));
  EXPECT_FALSE(board.wait_until_idle(0ms));
  connection().take(packet('E'));
  EXPECT_FALSE(board.wait_until_idle(0ms));  // the MTA does not know yet
  connection().sent();
  EXPECT_TRUE(board.wait_until_idle(0ms));
  say(kMail);
  EXPECT_FALSE(board.wait_until_idle(0ms));
  say(packet('K'));
  EXPECT_TRUE(board.wait_until_idle(0ms));
}

}  // namespace
}  // namespace deferd
