#include "smtp/mta_client.h"

#include <gmock/gmock.h>

#include "smtp/mta_reply.h"
#include "smtp/proxy_header.h"

namespace deferd::smtp {
namespace {

using Outcome = MtaResult::Outcome;
using With = HandoverConfig::With;
using ::testing::ElementsAre;

MtaScript script(With with) {
  MtaScript script;
  script.with = with;
  script.our_name = "mx.example.org";
  script.client = *Address::parse("203.0.113.7");
  script.client_port = 40'000;
  script.local = *Address::parse("192.0.2.1");
  script.local_port = 25;
  script.envelope = {true, "mail.example.net", "MAIL FROM:<a@example.net> SIZE=1000 BODY=8BITMIME",
                     "rcpt to: <b@example.org> NOTIFY=NEVER"};
  return script;
}

/// What the MTA says and what it must have heard before: "C: " lines are ours, "S: " lines its own.
struct Dialogue {
  std::string said;                // by the MTA, one after another
  std::vector<std::string> heard;  // lines of ours
  MtaResult result;
};

/// Plays the MTA's replies, one for each thing it hears; `piece` bytes at a time, so that replies come split.
Dialogue play(const MtaScript& script, const std::vector<std::string>& replies, std::size_t piece = 10'000) {
  MtaClient client(script);
  Dialogue dialogue;
  const auto header = client.start();
  if (script.with == With::proxy_v2)
    EXPECT_EQ(header, make_proxy_header_v2(script.client, script.client_port, script.local, script.local_port));
  else
    EXPECT_EQ(header, "");
  for (const auto& reply : replies) {
    std::string said;
    for (std::size_t at = 0; at < reply.size() && !client.done(); at += piece) {
      EXPECT_EQ(said, "") << "spoke before the reply was complete";
      said = client.receive(reply.substr(at, piece));
    }
    if (!said.empty()) dialogue.heard.push_back(said);
  }
  dialogue.result = client.result();
  if (!client.done()) dialogue.result.reply = "not done";
  return dialogue;
}

const std::string kEhlo = "250-mx.example.org\r\n250-SIZE 10240000\r\n250-8BITMIME\r\n250 DSN\r\n";
const std::string kEhloXclient = "250-mx.example.org\r\n250-XCLIENT NAME ADDR PORT PROTO HELO DESTADDR DESTPORT\r\n250 DSN\r\n";

TEST(MtaClient, TellsTheMtaWhoTheClientIsAndWhatItSaid) {
  const auto dialogue = play(script(With::proxy_v2), {"220 mx ESMTP\r\n", kEhlo, "250 2.1.0 Ok\r\n", "250 2.1.5 Ok\r\n"});
  EXPECT_THAT(dialogue.heard, ElementsAre("EHLO mail.example.net\r\n", "MAIL FROM:<a@example.net> SIZE=1000 BODY=8BITMIME\r\n",
                                          "RCPT TO:<b@example.org> NOTIFY=NEVER\r\n"));
  EXPECT_EQ(dialogue.result.outcome, Outcome::answered);
  EXPECT_EQ(dialogue.result.code, 250);
  EXPECT_EQ(dialogue.result.reply, "250 2.1.5 Ok\r\n");
  EXPECT_THAT(dialogue.result.extensions, ElementsAre("SIZE 10240000", "8BITMIME", "DSN"));
}

TEST(MtaClient, UnderstandsRepliesHoweverTheyAreSplit) {
  const std::vector<std::string> replies = {"220-mx wait\r\n220 mx ESMTP\r\n", kEhlo, "250 2.1.0 Ok\r\n",
                                            "550-5.1.1 no such\r\n550 5.1.1 user\r\n"};
  const auto whole = play(script(With::proxy_v2), replies);
  for (std::size_t piece = 1; piece < kEhlo.size(); ++piece) {
    const auto split = play(script(With::proxy_v2), replies, piece);
    EXPECT_EQ(split.heard, whole.heard) << piece;
    EXPECT_EQ(split.result.reply, "550-5.1.1 no such\r\n550 5.1.1 user\r\n") << piece;
    EXPECT_EQ(split.result.code, 550) << piece;
  }
}

TEST(MtaClient, IntroducesTheClientByXclient) {
  const auto dialogue =
      play(script(With::xclient), {"220 mx\r\n", kEhloXclient, "220 mx\r\n", kEhlo, "250 ok\r\n", "250 ok\r\n"});
  ASSERT_EQ(dialogue.heard.size(), 5u);
  EXPECT_EQ(dialogue.heard[0], "EHLO mx.example.org\r\n");
  EXPECT_EQ(dialogue.heard[1],
            "XCLIENT ADDR=203.0.113.7 PORT=40000 NAME=[UNAVAILABLE] HELO=mail.example.net PROTO=ESMTP DESTADDR=192.0.2.1 "
            "DESTPORT=25\r\n");
  EXPECT_EQ(dialogue.heard[2], "EHLO mail.example.net\r\n");
  EXPECT_EQ(dialogue.result.outcome, Outcome::answered);
  EXPECT_THAT(dialogue.result.extensions, ElementsAre("SIZE 10240000", "8BITMIME", "DSN")) << "those the client is offered";
}

TEST(MtaClient, SendsOnlyTheAttributesThatTheMtaTakes) {
  auto who = script(With::xclient);
  who.client = *Address::parse("2001:db8::7");
  who.client_name = "mail.example.net";
  who.envelope.helo = "a=b +c";
  const auto dialogue = play(who, {"220 mx\r\n", "250-mx\r\n250 xclient NAME ADDR HELO\r\n", "220 mx\r\n"});
  ASSERT_EQ(dialogue.heard.size(), 3u);
  EXPECT_EQ(dialogue.heard[1], "XCLIENT ADDR=IPV6:2001:db8::7 NAME=mail.example.net HELO=a+3Db+20+2Bc\r\n");
}

TEST(MtaClient, DropsParametersThatTheMtaDoesNotOffer) {
  auto who = script(With::proxy_v2);
  who.envelope.mail = "MAIL FROM:<a@example.net> size=7 BODY=8BITMIME RET=HDRS AUTH=<> SMTPUTF8";
  const auto dialogue = play(who, {"220 mx\r\n", "250-mx\r\n250 SIZE\r\n", "250 ok\r\n", "250 ok\r\n"});
  EXPECT_THAT(dialogue.heard,
              ElementsAre("EHLO mail.example.net\r\n", "MAIL FROM:<a@example.net> size=7\r\n", "RCPT TO:<b@example.org>\r\n"));
}

TEST(MtaClient, SaysHeloForAClientThatDid) {
  auto who = script(With::proxy_v2);
  who.envelope.extended = false;
  const auto dialogue = play(who, {"220 mx\r\n", "250-mx\r\n250 SIZE\r\n", "250 ok\r\n", "250 ok\r\n"});
  EXPECT_THAT(dialogue.heard,
              ElementsAre("HELO mail.example.net\r\n", "MAIL FROM:<a@example.net>\r\n", "RCPT TO:<b@example.org>\r\n"));
}

TEST(MtaClient, LetsNothingOddOfTheClientThrough) {
  auto who = script(With::proxy_v2);
  who.envelope.helo = "a\rXCLIENT ADDR=127.0.0.1";
  const auto dialogue = play(who, {"220 mx\r\n", kEhlo});
  ASSERT_FALSE(dialogue.heard.empty());
  EXPECT_EQ(dialogue.heard[0], "EHLO a?XCLIENT ADDR=127.0.0.1\r\n");
}

TEST(MtaClient, RelaysWhatTheMtaSaidAfterItsReply) {
  const auto dialogue =
      play(script(With::proxy_v2), {"220 mx\r\n", kEhlo, "250 ok\r\n", "250 ok\r\n421 4.3.2 shutting down\r\n"});
  EXPECT_EQ(dialogue.result.reply, "250 ok\r\n421 4.3.2 shutting down\r\n");
}

TEST(MtaClient, TakesARefusalOfTheMessageAtMailForTheAnswer) {
  const auto dialogue = play(script(With::proxy_v2), {"220 mx\r\n", kEhlo, "552 5.3.4 too big\r\n"});
  EXPECT_TRUE(dialogue.result.answered());
  EXPECT_EQ(dialogue.result.reply, "552 5.3.4 too big\r\n");
}

struct Failure {
  With with;
  std::vector<std::string> replies;
  Outcome outcome;
  MtaStage stage;
};

TEST(MtaClient, GivesUpBeforeTheRecipientWhenTheMtaCannot) {
  const std::vector<Failure> failures = {
      {With::proxy_v2, {"421 4.3.2 busy\r\n"}, Outcome::refused, MtaStage::banner},
      {With::proxy_v2, {"554 no\r\n"}, Outcome::refused, MtaStage::banner},
      {With::proxy_v2, {"220 mx\r\n", "421 4.3.2 busy\r\n"}, Outcome::refused, MtaStage::ehlo},
      {With::proxy_v2, {"220 mx\r\n", "500 what\r\n"}, Outcome::refused, MtaStage::ehlo},
      {With::proxy_v2, {"220 mx\r\n", kEhlo, "421 4.3.2 busy\r\n"}, Outcome::refused, MtaStage::mail},
      {With::proxy_v2, {"220 mx\r\n", kEhlo, "451 4.3.0 later\r\n"}, Outcome::refused, MtaStage::mail},
      {With::proxy_v2,
       {"220 mx\r\n", kEhlo, "530 5.7.0 Must issue a STARTTLS command first\r\n"},
       Outcome::refused,
       MtaStage::mail},
      {With::xclient, {"220 mx\r\n", kEhlo}, Outcome::no_xclient, MtaStage::our_ehlo},
      {With::xclient, {"220 mx\r\n", "250 mx XCLIENT ADDR\r\n"}, Outcome::no_xclient, MtaStage::our_ehlo},
      {With::xclient, {"220 mx\r\n", kEhloXclient, "550 5.7.0 no\r\n"}, Outcome::refused, MtaStage::xclient},
      {With::proxy_v2, {"hello\r\n"}, Outcome::out_of_step, MtaStage::banner},
      {With::proxy_v2, {"220-mx\r\n250 mx\r\n"}, Outcome::out_of_step, MtaStage::banner},
      {With::proxy_v2, {"220 mx\r\n500 5.5.2 bad syntax\r\n"}, Outcome::out_of_step, MtaStage::banner},
      {With::proxy_v2, {"220 mx\r\n", "500 what\r\n250 mx\r\n"}, Outcome::out_of_step, MtaStage::ehlo},
      {With::proxy_v2, {"220 mx\r\n", kEhlo, "250 ok\r\n", "354 go on\r\n"}, Outcome::out_of_step, MtaStage::rcpt},
      {With::proxy_v2, {std::string(kLongestReply + 1, '2')}, Outcome::out_of_step, MtaStage::banner},
  };
  for (const auto& failure : failures) {
    const auto dialogue = play(script(failure.with), failure.replies);
    EXPECT_EQ(dialogue.result.outcome, failure.outcome) << failure.replies.back() << dialogue.result.reply;
    EXPECT_EQ(dialogue.result.stage, failure.stage) << failure.replies.back();
    EXPECT_NE(dialogue.result.why(), "") << failure.replies.back();
  }
}

TEST(MtaClient, HoldsNoMoreOfAReplyThanItMust) {
  MtaClient client(script(With::proxy_v2));
  client.start();
  std::size_t given = 0;
  while (!client.done() && given < 10 * kLongestReply) {
    client.receive("220-more of it\r\n");
    given += 16;
  }
  EXPECT_TRUE(client.done());
  EXPECT_LT(given, 2 * kLongestReply);
}

}  // namespace
}  // namespace deferd::smtp
