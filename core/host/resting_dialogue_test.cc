#include "host/resting_dialogue.h"

#include <gmock/gmock.h>

#include "host/host_fixture.h"

namespace deferd {
namespace {

using testing::ElementsAre;

class RestingDialogueTest : public HostTest {
 protected:
  std::unique_ptr<Dialogue> begin() {
    Session session;
    session.client = or_throw(Address::parse("2001:db8::7"));
    session.client_port = 25001;
    session.local = or_throw(Address::parse("2001:db8::25"));
    session.local_port = 25;
    session.front_end = "smtp";
    session.listener = "mx";
    return pipeline_.open(std::move(session), voice_);
  }
};

TEST_F(RestingDialogueTest, KeepsWhatIsKnownOfTheConnection) {
  use({{"one", Script{}}});
  const auto dialogue = begin();
  dialogue->tag("smtp.early-talker");
  dialogue->session().helo = "mail.example.org";
  dialogue->session().tls = true;
  dialogue->session().tls_subject = "CN=mail.example.org";
  dialogue->session().client_name = "mail.example.org";
  const auto id = dialogue->session().id;
  dialogue->rest();
  const auto& session = dialogue->session();
  EXPECT_EQ(session.id, id);
  EXPECT_EQ(session.client.to_string(), "2001:db8::7");
  EXPECT_EQ(session.client_port, 25001);
  EXPECT_EQ(session.local.to_string(), "2001:db8::25");
  EXPECT_EQ(session.local_port, 25);
  EXPECT_EQ(session.front_end, "smtp");
  EXPECT_EQ(session.listener, "mx");
  EXPECT_EQ(session.helo, "mail.example.org");
  EXPECT_EQ(session.client_name, "mail.example.org");
  EXPECT_TRUE(session.tls);
  EXPECT_EQ(session.tls_subject, "CN=mail.example.org");
  EXPECT_THAT(session.tags, ElementsAre("smtp.early-talker"));
}

TEST_F(RestingDialogueTest, PluginsAreAskedAnewAndTheirTagsAreNotDoubled) {
  int asked = 0;
  Script listed;
  listed.connect = [&](Context&) {
    ++asked;
    return deferred("listed").tagged("listed");
  };
  std::vector<std::string> tags;
  Script below;
  below.reply = [&](Context& c, const Decision&) {
    tags = c.session().tags;
    return Pace{};
  };
  use({{"blacklist", listed}, {"tarpit", below}});
  const auto dialogue = begin();
  dialogue->connect();
  dialogue->rest();
  EXPECT_EQ(dialogue->helo().verdict.reason, "listed");
  EXPECT_EQ(asked, 2);
  EXPECT_THAT(tags, ElementsAre("listed"));
}

TEST_F(RestingDialogueTest, DecisionsGoOnBeingNumbered) {
  Script script;
  script.rcpt = [](Context&, const std::string&) { return deferred(); };
  use({{"one", script}});
  const auto dialogue = begin();
  dialogue->mail("a@example.org");
  const auto first = dialogue->rcpt("b@example.net").id;
  dialogue->reset();
  dialogue->rest();
  dialogue->mail("a@example.org");
  const auto second = dialogue->rcpt("b@example.net").id;
  EXPECT_EQ(first.substr(0, 16), second.substr(0, 16));
  EXPECT_NE(first, second);
}

TEST_F(RestingDialogueTest, PluginsHearOfTheEndOnceAndInTheEnd) {
  int ended = 0;
  Script script;
  script.disconnect = [&](Context& c) { ended += c.session().helo == "mail.example.org" ? 1 : 100; };
  use({{"one", script}});
  auto dialogue = begin();
  dialogue->session().helo = "mail.example.org";
  dialogue->connect();
  dialogue->rest();
  dialogue->rest();
  EXPECT_EQ(ended, 0);
  dialogue.reset();
  EXPECT_EQ(ended, 1);
}

// The greylist keeps no record of a listed client that leaves at EHLO.
TEST_F(RestingDialogueTest, PluginsSeeInTheEndWhatOthersHadFoundOutOfTheConnection) {
  std::vector<std::string> tags;
  Script listed, script;
  listed.connect = [](Context&) { return deferred("listed").tagged("listed"); };
  listed.mail = [](Context&) { return Verdict::pass().tagged("of a transaction"); };
  script.disconnect = [&](Context& c) { tags = c.session().tags; };
  use({{"blacklist", listed}, {"greylist", script}});
  auto dialogue = begin();
  dialogue->tag("smtp.early-talker");
  dialogue->mail("a@example.org");
  dialogue->rest();
  dialogue.reset();
  EXPECT_THAT(tags, ElementsAre("smtp.early-talker", "listed"));
}

TEST_F(RestingDialogueTest, NobodyHearsOfTheEndOfASessionNobodyWasAskedOf) {
  bool ended = false;
  Script script;
  script.disconnect = [&](Context&) { ended = true; };
  use({{"one", script}});
  begin()->rest();
  EXPECT_FALSE(ended);
}

TEST_F(RestingDialogueTest, HoldsNoPluginsWhileItRests) {
  use({{"one", Script{}}});
  const auto dialogue = begin();
  const std::weak_ptr<Generation> first = pipeline_.current();
  use({{"one", Script{}}});
  EXPECT_FALSE(first.expired());
  dialogue->rest();
  EXPECT_TRUE(first.expired());
}

}  // namespace
}  // namespace deferd
