// When plugins are asked, and that they hear of clients that leave.
#include "smtp/session_fixture.h"

namespace deferd::smtp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kStages[] = {"", "HELO client.example\r\n", "MAIL FROM:<a@example.org>\r\n",
                                        "RCPT TO:<b@example.net>\r\n", "DATA\r\n"};

class AskingTest : public SessionTest {
 protected:
  /// As far as `stages` of kStages; the calls that were made.
  std::vector<std::string> go(std::size_t stages) {
    for (std::size_t i = 0; i < stages; ++i) send(kStages[i]);
    return script.take();
  }
};

TEST_F(AskingTest, OneHandOffATransactionIfPluginsCareForRecipientsOnly) {
  script.hooks = hook::rcpt | hook::disconnect | hook::decided;
  EXPECT_THAT(go(5), ElementsAre("open", "mail a@example.org", "rcpt b@example.net", "data"));
  EXPECT_EQ(asks, 1);
}

TEST_F(AskingTest, SenderIsToldOnceForAllRecipients) {
  go(4);
  send("RCPT TO:<c@example.net>\r\n");
  EXPECT_THAT(script.take(), ElementsAre("rcpt c@example.net"));
}

TEST_F(AskingTest, AtEveryStageIfAPluginWishesForAPace) {
  script.hooks = hook::reply;
  EXPECT_THAT(go(5), ElementsAre("open", "connect", "helo client.example", "mail a@example.org", "rcpt b@example.net", "data"));
  EXPECT_EQ(asks, 5);
}

TEST_F(AskingTest, AtTheStagesThatPluginsWant) {
  for (const auto wanted : {hook::connect, hook::helo, hook::mail, hook::data}) {
    asks = 0;
    script.hooks = wanted;
    go(5);
    EXPECT_EQ(asks, 2) << wanted;
    leave();
  }
}

TEST_F(AskingTest, AtTheEarlyStagesIfTheyAreTold) {
  config.voice = Voice::connect;
  EXPECT_THAT(go(4), ElementsAre("open", "connect", "helo client.example", "mail a@example.org", "rcpt b@example.net"));
}

TEST_F(AskingTest, FactsAreThereBeforeThePluginsAreAsked) {
  script.hooks = hook::helo;
  send("");
  session().spoke_early(true);
  send("HELO what else\n");
  EXPECT_THAT(script.take(), ElementsAre("open", "helo what else #smtp.early-talker #smtp.bare-lf #smtp.odd-helo"));
}

TEST_F(AskingTest, ClientsThatLeaveEarlyWereSeen) {
  script.hooks = hook::rcpt | hook::disconnect;
  for (std::size_t stages = 1; stages <= 3; ++stages) {
    for (std::size_t i = 0; i < stages; ++i) send(kStages[i]);
    EXPECT_TRUE(session().needs_goodbye());
    leave();
    EXPECT_THAT(script.take(), ElementsAre("open", "connect", "bye")) << stages;
  }
}

TEST_F(AskingTest, NobodyIsAskedTwiceBecauseAClientLeaves) {
  script.hooks = hook::rcpt | hook::disconnect;
  go(4);
  leave();
  EXPECT_THAT(script.take(), ElementsAre("bye"));
}

TEST_F(AskingTest, NoGoodbyeIfNobodyWantsOne) {
  script.hooks = hook::rcpt;
  send("HELO client.example\r\n");
  EXPECT_FALSE(session().needs_goodbye());
  leave();
  EXPECT_THAT(script.take(), ElementsAre("open", "bye"));
}

}  // namespace
}  // namespace deferd::smtp
