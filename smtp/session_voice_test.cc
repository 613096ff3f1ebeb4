// When decisions are told: every voice with every outcome, several recipients.
#include "smtp/session_fixture.h"

namespace deferd::smtp {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using testing::StartsWith;

class VoiceTest : public SessionTest {
 protected:
  /// HELO and MAIL.
  void begin() {
    send("HELO client.example\r\n");
    send("MAIL FROM:<a@example.org>\r\n");
  }
  std::string rcpt(const std::string& name) { return said("RCPT TO:<" + name + "@example.net>"); }
  std::string data() { return said("DATA"); }
  /// Replies and what follows, as `451 4.7.1 Come back; hang up`.
  std::string said(const std::string& line) {
    std::string all;
    for (const auto& heard : send(line + "\r\n")) all += (all.empty() ? "" : "; ") + heard.substr(heard.find(' ') + 1);
    return all;
  }
};

TEST_F(VoiceTest, DataTellsDeferralsAtData) {
  config.voice = Voice::data;
  begin();
  EXPECT_EQ(rcpt("defer"), "250 2.1.5 OK");
  EXPECT_EQ(data(), "451 4.7.1 Come back; hang up");
}

TEST_F(VoiceTest, DataTellsRejectionsAtRcpt) {
  config.voice = Voice::data;
  begin();
  EXPECT_EQ(rcpt("reject"), "550 5.7.1 No");
  EXPECT_EQ(data(), "554 5.5.1 No valid recipients");
}

TEST_F(VoiceTest, DataTellsClosesAtRcpt) {
  config.voice = Voice::data;
  begin();
  EXPECT_EQ(rcpt("close"), "421 4.7.0 Closing the connection, please try again later; hang up");
}

TEST_F(VoiceTest, DataTellsThoseWhoPassToComeAgain) {
  config.voice = Voice::data;
  begin();
  EXPECT_EQ(rcpt("b"), "250 2.1.5 OK");
  EXPECT_EQ(data(), "451 4.7.1 Please try again later; hang up");
}

TEST_F(VoiceTest, DataTellsWhatPluginsSayOfTheWholeMessage) {
  config.voice = Voice::data;
  script.hooks = hook::data;
  script.at_data = "reject";
  begin();
  rcpt("b");
  EXPECT_EQ(data(), "550 5.7.1 No; hang up");
}

TEST_F(VoiceTest, DataNeverLeavesA250Standing) {
  config.voice = Voice::data;
  begin();
  EXPECT_EQ(rcpt("b"), "250 2.1.5 OK");
  EXPECT_EQ(rcpt("reject"), "550 5.7.1 No");
  EXPECT_EQ(rcpt("defer"), "250 2.1.5 OK");
  EXPECT_EQ(rcpt("exempt"), "250 2.1.5 OK");
  EXPECT_EQ(data(), "451 4.7.1 Come back; hang up");
}

TEST_F(VoiceTest, RcptTellsEachRecipient) {
  config.voice = Voice::rcpt;
  begin();
  EXPECT_EQ(rcpt("defer"), "451 4.7.1 Come back");
  EXPECT_EQ(rcpt("reject"), "550 5.7.1 No");
  EXPECT_EQ(rcpt("b"), "451 4.7.1 Please try again later");
  EXPECT_EQ(rcpt("close"), "421 4.7.0 Closing the connection, please try again later; hang up");
}

TEST_F(VoiceTest, RcptHasNothingForDataToTell) {
  config.voice = Voice::rcpt;
  begin();
  rcpt("reject");
  EXPECT_EQ(data(), "554 5.5.1 No valid recipients");
  rcpt("defer");
  EXPECT_EQ(data(), "451 4.5.1 No valid recipients");
  EXPECT_THAT(script.take(), Not(Contains("data")));
}

TEST_F(VoiceTest, ConnectTellsByTheBanner) {
  config.voice = Voice::connect;
  script.at_connect = "reject";
  play("S: 554 No\n* hang up\n");
  leave();
  script.at_connect = "defer";
  play("S: 421 Come back\n* hang up\n");
}

TEST_F(VoiceTest, ConnectTellsOfHeloAndMailAtOnce) {
  config.voice = Voice::connect;
  play(R"(
S: 220 mx.example ESMTP
C: HELO reject.example
S: 550 5.7.1 No
C: MAIL FROM:<a@example.org>
S: 503 5.5.1 Say HELO first
C: HELO client.example
S: 250 mx.example Ready
C: MAIL FROM:<defer@example.org>
S: 451 4.7.1 Come back
C: RCPT TO:<b@example.net>
S: 503 5.5.1 Say MAIL first
C: MAIL FROM:<a@example.org>
S: 250 2.1.0 OK
C: RCPT TO:<defer@example.net>
S: 451 4.7.1 Come back
C: RCPT TO:<b@example.net>
S: 451 4.7.1 Please try again later
C: HELO close.example
S: 421 4.7.0 Closing the connection, please try again later
* hang up
)");
}

TEST_F(VoiceTest, OthersKeepWhatWasSaidOfConnectionAndSenderForTheRecipients) {
  for (const auto voice : {Voice::rcpt, Voice::data}) {
    leave();
    config.voice = voice;
    script.hooks = hook::connect | hook::helo | hook::mail;
    script.at_connect = "reject";
    EXPECT_EQ(said(""), "220 mx.example ESMTP; 500 5.5.1 Command unrecognized");
    EXPECT_EQ(said("HELO reject.example"), "250 mx.example Ready");
    EXPECT_EQ(said("MAIL FROM:<reject@example.org>"), "250 2.1.0 OK");
  }
}

TEST_F(VoiceTest, VoiceIsRcptWithHandOver) {
  session();
  EXPECT_EQ(script.voice, Voice::data);
  leave();
  config.handover.to = "127.0.0.1:10025";
  session();
  EXPECT_EQ(script.voice, Voice::rcpt);
}

}  // namespace
}  // namespace deferd::smtp
