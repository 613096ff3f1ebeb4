// Clients that leave without naming a recipient, and pass when they return.
#include <memory>
#include <random>
#include <vector>

#include "connect_record.h"
#include "greylist_fixture.h"

namespace deferd::greylist {
namespace {

class ConnectTest : public GreylistTest {
 protected:
  FakeContext smtp(std::string_view client) {
    auto context = session(client, "");
    context.session().front_end = "smtp";
    return context;
  }
  void look_in(std::string_view client) {
    auto context = smtp(client);
    plugin->on_disconnect(context);
  }
  Verdict name_recipient(std::string_view client) {
    auto context = smtp(client);
    context.session().mail_from = kFrom;
    auto verdict = plugin->on_rcpt(context, kTo);
    plugin->on_decided(context, {});
    context.next_transaction("");  // RSET
    plugin->on_disconnect(context);
    return verdict;
  }
};

TEST_F(ConnectTest, AClientThatLeftAtEhloPassesWhenItReturns) {
  look_in("192.0.2.7");
  after(5min);
  const auto verdict = name_recipient("192.0.2.7");
  EXPECT_EQ(verdict.action, Action::pass);
  EXPECT_EQ(verdict.reason, "connected 5m ago without naming a recipient");
  EXPECT_TRUE(white_row("192.0.2.7"));
}

TEST_F(ConnectTest, NotBeforePassTime) {
  look_in("192.0.2.7");
  after(5min - 1s);
  EXPECT_EQ(name_recipient("192.0.2.7").action, Action::defer);
}

TEST_F(ConnectTest, NotAfterGreyExpiry) {
  look_in("192.0.2.7");
  after(8h);
  EXPECT_EQ(name_recipient("192.0.2.7").action, Action::defer);
}

TEST_F(ConnectTest, BecomesWhiteWhenItLooksInAgain) {
  look_in("192.0.2.7");
  after(4min);
  look_in("192.0.2.7");
  EXPECT_FALSE(white_row("192.0.2.7"));
  after(1min);
  look_in("192.0.2.7");
  EXPECT_TRUE(white_row("192.0.2.7"));
  EXPECT_EQ(records(), 0U);
}

TEST_F(ConnectTest, OneReturnLetsOneClientIn) {
  look_in("192.0.2.7");
  after(5min);
  EXPECT_EQ(name_recipient("192.0.2.8").action, Action::pass);
  EXPECT_EQ(name_recipient("192.0.2.9").action, Action::defer);
}

TEST_F(ConnectTest, ASessionThatNamedARecipientLeavesNoSuchRecord) {
  name_recipient("192.0.2.7");
  EXPECT_EQ(records(), 2U);
  after(5min);
  auto context = smtp("192.0.2.7");
  context.session().mail_from = "other@example.org";
  EXPECT_EQ(plugin->on_rcpt(context, kTo).action, Action::defer);
}

TEST_F(ConnectTest, NorDoesOneWhoseRecipientsOthersDecidedOn) {
  for (int tries = 0; tries < 2; ++tries) {
    auto context = smtp("192.0.2.7");
    plugin->on_decided(context, {});  // a rule above rejects it: we are not asked
    plugin->on_disconnect(context);
    after(5min);
  }
  EXPECT_EQ(records(), 0U);
  EXPECT_FALSE(white_row("192.0.2.7"));
}

TEST_F(ConnectTest, ClientsOfTheMilterOnlyLook) {
  auto context = session("192.0.2.7");
  plugin->on_disconnect(context);
  EXPECT_EQ(records(), 0U);
}

TEST_F(ConnectTest, UnlessARuleSaysSo) {
  auto context = session("192.0.2.7");
  context.session().tags = {"greylist.connect"};
  plugin->on_disconnect(context);
  EXPECT_EQ(records(), 1U);
}

TEST_F(ConnectTest, NothingWithoutHeloOrOfOurOwn) {
  auto silent = smtp("192.0.2.7");
  silent.session().helo.clear();
  plugin->on_disconnect(silent);
  auto ours = smtp("192.0.2.7");
  ours.session().tags = {"exempt"};
  plugin->on_disconnect(ours);
  EXPECT_EQ(records(), 0U);
}

TEST_F(ConnectTest, NothingOfListedClients) {
  auto listed = smtp("192.0.2.7");
  listed.session().tags = {"blacklist.hit"};
  plugin->on_disconnect(listed);
  EXPECT_EQ(records(), 0U);
}

TEST_F(ConnectTest, NothingOfTrappedOrWhiteClients) {
  put(kTrapped, "192.0.2.7");
  put(kWhite, "198.51.100.7");
  look_in("192.0.2.7");
  look_in("198.51.100.7");
  EXPECT_EQ(records(), 0U);
}

TEST_F(ConnectTest, CountsAgainstTheQuota) {
  Config config;
  config.quota = {2, 1};
  config.ipv4_prefix = 32;
  configure(config);
  for (int i = 1; i < 10; ++i) look_in("192.0.2." + std::to_string(i));
  EXPECT_EQ(records(), 2U);
}

TEST_F(ConnectTest, CanBeSwitchedOff) {
  Config config;
  config.connect_records = false;
  configure(config);
  look_in("192.0.2.7");
  EXPECT_EQ(records(), 0U);
}

// A thousand at a time, as in a flood: had each one place, dozens would be taken for clients that left without a word.
TEST(SessionMarks, ManyAtATimeAreToldApart) {
  const auto marks = std::make_unique<SessionMarks>();
  std::mt19937_64 random(1);  // as session numbers are
  std::vector<std::uint64_t> sessions(1000);
  for (auto& session : sessions) session = random();
  for (const auto session : sessions) {
    marks->mark(session);
    marks->mark(session);  // another recipient
  }
  for (const auto session : sessions) {
    EXPECT_TRUE(marks->take(session));
    EXPECT_FALSE(marks->take(session));
  }
}

}  // namespace
}  // namespace deferd::greylist
