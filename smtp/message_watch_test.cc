#include "smtp/message_watch.h"

#include <gmock/gmock.h>

namespace deferd::smtp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const HandoverEnvelope kWords = {true, "client.example", "MAIL FROM:<a@example.org> SIZE=1", "RCPT TO:<b@example.net>"};

class MessageWatchTest : public testing::Test {
 protected:
  /// `C:` and `M:` lines, each with CR LF.
  void play(std::string_view script) {
    while (!script.empty()) {
      const auto end = std::min(script.find('\n'), script.size());
      const auto line = script.substr(0, end);
      script.remove_prefix(std::min(end + 1, script.size()));
      if (line.size() < 3) continue;
      const auto bytes = std::string(line.substr(3)) + "\r\n";
      if (line.starts_with("C:"))
        client(bytes);
      else
        mta(bytes);
    }
  }
  void client(std::string_view bytes) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece_, bytes.size()))) watch_.client_says(bytes.substr(0, piece_));
  }
  void mta(std::string_view bytes) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece_, bytes.size()))) watch_.mta_says(bytes.substr(0, piece_));
  }
  std::string taken() {
    if (!watch_.has_message()) return "";
    const auto message = watch_.take();
    std::string all = message.sender + " ->";
    for (const auto& recipient : message.recipients) all += " " + recipient;
    return all;
  }

  std::size_t piece_ = std::string::npos;
  MessageWatch watch_{kWords};
};

constexpr std::string_view kOne = R"(
M: 250 2.1.5 yes
C: RCPT TO:<c@example.net>
M: 550-5.1.1 unknown
M: 550 5.1.1 for ever
C: RCPT TO:<d@example.net>
M: 250 2.1.5 yes
C: DATA
M: 354 go on
C: Subject: x
C: 
C: ..
C: .
)";

TEST_F(MessageWatchTest, TellsOfAMessageWithTheRecipientsTheMtaTook) {
  play(kOne);
  EXPECT_EQ(taken(), "");
  play("M: 250 2.0.0 queued\n");
  EXPECT_EQ(taken(), "a@example.org -> b@example.net d@example.net");
  EXPECT_EQ(taken(), "") << "once";
  EXPECT_TRUE(watch_.looks());
}

TEST_F(MessageWatchTest, InWhateverPiecesItComes) {
  for (piece_ = 1; piece_ < 12; ++piece_) {
    watch_ = MessageWatch(kWords);
    play(kOne);
    EXPECT_EQ(taken(), "");
    play("M: 250 2.0.0 queued\n");
    EXPECT_EQ(taken(), "a@example.org -> b@example.net d@example.net") << piece_;
  }
}

TEST_F(MessageWatchTest, SaysNothingOfOneThatIsRefused) {
  play(kOne);
  play("M: 452 full\n");
  EXPECT_EQ(taken(), "");
  play("C: DATA\nM: 503 no\n");
  EXPECT_TRUE(watch_.looks());
}

TEST_F(MessageWatchTest, TellsOfLaterOnesToo) {
  play(kOne);
  play("M: 250 queued\n");
  taken();
  play(R"(
C: MAIL FROM:<>
M: 250 ok
C: RCPT TO:<x@example.net>
M: 250 ok
C: RSET
M: 250 ok
C: MAIL FROM:<other@example.org>
M: 250 ok
C: RCPT TO:<y@example.net>
M: 250 ok
C: DATA
M: 354 go on
C: .
M: 250 queued
)");
  EXPECT_EQ(taken(), "other@example.org -> y@example.net");
}

TEST_F(MessageWatchTest, FollowsPipelining) {
  mta("250 ok\r\n");
  client("RCPT TO:<c@example.net>\r\nRCPT TO:<d@example.net>\r\nDATA\r\n");
  mta("250 ok\r\n550 no\r\n354 go on\r\n");
  client("text\r\n.\r\nMAIL FROM:<e@example.org>\r\nRCPT TO:<f@example.net>\r\nDATA\r\n");
  mta("250 queued\r\n250 ok\r\n250 ok\r\n354 go on\r\n");
  EXPECT_EQ(taken(), "a@example.org -> b@example.net c@example.net");
  client(".\r\nQUIT\r\n");
  mta("250 queued\r\n221 bye\r\n");
  EXPECT_EQ(taken(), "e@example.org -> f@example.net");
}

TEST_F(MessageWatchTest, LooksAwayFromWhatItDoesNotUnderstand) {
  for (const std::string line :
       {"STARTTLS", "BDAT 5 LAST", "AUTH PLAIN", "XCLIENT ADDR=127.0.0.1", "MAIL FROM:<a b@c>", "RCPT TO:b c"}) {
    watch_ = MessageWatch(kWords);
    play("M: 250 ok\nC: " + line + "\n");
    EXPECT_FALSE(watch_.looks()) << line;
    play("M: 250 ok\nC: DATA\nM: 354 go on\nC: .\nM: 250 ok\n");
    EXPECT_EQ(taken(), "");
  }
}

TEST_F(MessageWatchTest, LooksAwayWhenItIsOutOfStep) {
  const std::pair<std::string, std::string> kOdd[] = {
      {"", "250 ok\r\n250 to what?\r\n"},
      {"", "what?\r\n"},
      {"DATA\r\nearly text\r\n", ""},
      {"NOOP\n", ""},
      {"NO\rOP\r\n", ""},
      {std::string(3000, 'x') + "\r\n", ""},
  };
  for (const auto& [said, answered] : kOdd) {
    watch_ = MessageWatch(kWords);
    client(said);
    mta(answered);
    EXPECT_FALSE(watch_.looks()) << said << answered;
  }
  watch_ = MessageWatch(kWords);
  mta("250 ok\r\n");
  client("DATA\r\n");
  mta("354 go on\r\n");
  client("text\n.\nMAIL FROM:<x@example.org>\r\n");
  EXPECT_FALSE(watch_.looks()) << "an end in doubt";
}

TEST_F(MessageWatchTest, RemembersOnlySoMuch) {
  mta("250 ok\r\n");
  for (int i = 0; i < 5000; ++i) play("C: RCPT TO:<b" + std::to_string(i) + "@example.net>\nM: 250 ok\n");
  play("C: DATA\nM: 354 go on\nC: .\nM: 250 ok\n");
  EXPECT_THAT(watch_.take().recipients, SizeIs(1000));
  for (int i = 0; i < 5000; ++i) client("NOOP\r\n");
  EXPECT_FALSE(watch_.looks()) << "nothing is answered";
}

}  // namespace
}  // namespace deferd::smtp
