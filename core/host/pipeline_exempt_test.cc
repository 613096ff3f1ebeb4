// Who is exempt, as the pipeline treats him.
#include "host/host_fixture.h"
#include "host/pipeline.h"

namespace deferd {
namespace {

class PipelineExemptTest : public HostTest {};

TEST_F(PipelineExemptTest, ExemptClientsAreDecidedBeforeAnyPlugin) {
  bool asked = false;
  Script script;
  script.rcpt = [&](Context&, const std::string&) {
    asked = true;
    return deferred();
  };
  use({{"one", script}});
  auto dialogue = open("127.0.0.1");
  dialogue->mail("a@example.net");
  const auto& decision = dialogue->rcpt("b@example.org");
  EXPECT_EQ(decision.plugin, "exempt");
  EXPECT_TRUE(decision.lets_through());
  EXPECT_FALSE(asked);
}

TEST_F(PipelineExemptTest, TheFirstPluginsSeeWhoIsExemptFromTheirMakingToTheirEnd) {
  exempt_.networks = {*Prefix::parse("192.0.2.0/24")};
  exempt_.relays = {{"198.51.100.7"}, {"relay.example.org"}};
  std::shared_ptr<const PrefixSet> at_making;
  const auto find = [&](const std::string&) -> Result<const PluginInfo*> {
    at_making = parts_.sets.get(kExempt);
    return fail(Errc::not_found, "no such plugin");
  };
  PluginEntry absent;
  absent.plugin = "absent";
  Problems problems;
  const auto exempt = Exempt::build(exempt_, problems);
  EXPECT_THROW(make_generation({absent}, find, exempt, parts_, pipeline_.runner()), ConfigError);
  ASSERT_TRUE(at_making);
  EXPECT_TRUE(at_making->contains(*Address::parse("192.0.2.1")));
  EXPECT_TRUE(at_making->contains(*Address::parse("198.51.100.7")));
  EXPECT_FALSE(at_making->contains(*Address::parse("127.0.0.1")));
  EXPECT_EQ(parts_.sets.get(kExempt), nullptr) << "that configuration was refused";
  auto generation = make_generation({}, find, exempt, parts_, pipeline_.runner());
  EXPECT_EQ(parts_.sets.get(kExempt), exempt->addresses());
  generation.reset();
  EXPECT_EQ(parts_.sets.get(kExempt), nullptr);
}

TEST_F(PipelineExemptTest, PluginsSeeWhoAReloadExemptsOnlyWhenItIsTaken) {
  const auto generation_exempting = [&](const char* prefix, const std::vector<PluginEntry>& entries = {}) {
    exempt_.networks = {*Prefix::parse(prefix)};
    Problems problems;
    const auto absent = [](const std::string&) -> Result<const PluginInfo*> { return fail(Errc::not_found, "no such plugin"); };
    return make_generation(entries, absent, Exempt::build(exempt_, problems), parts_, pipeline_.runner());
  };
  const auto exempt = [&](const char* address) { return parts_.sets.get(kExempt)->contains(*Address::parse(address)); };
  pipeline_.use(generation_exempting("192.0.2.0/24"));
  const auto version = parts_.sets.version();
  PluginEntry entry;
  entry.plugin = "absent";
  EXPECT_THROW(generation_exempting("198.51.100.0/24", {entry}), ConfigError);
  generation_exempting("198.51.100.0/24");  // it is refused for what is no plugin's
  EXPECT_EQ(parts_.sets.version(), version) << "nobody saw anything of it";
  auto next = generation_exempting("198.51.100.0/24");
  EXPECT_FALSE(exempt("198.51.100.7"));
  pipeline_.use(std::move(next));
  EXPECT_TRUE(exempt("198.51.100.7"));
  EXPECT_FALSE(exempt("192.0.2.7"));
}

TEST_F(PipelineExemptTest, AuthenticationLearntAtMailCancelsWhatConnectSaid) {
  use({{"blacklist", says_at_connect(deferred("listed"))}}, Voice::connect);
  auto dialogue = open();
  EXPECT_EQ(dialogue->connect().verdict.action, Action::defer);
  dialogue->session().auth = "alice";
  EXPECT_TRUE(dialogue->mail("a@example.net").lets_through());
  EXPECT_TRUE(dialogue->rcpt("b@example.org").lets_through());
}

TEST_F(PipelineExemptTest, ExemptionEndsWithTheTransactionItWasFor) {
  use({{"one", says_at_rcpt(deferred())}});
  auto dialogue = open();
  dialogue->session().auth = "alice";
  dialogue->mail("a@example.net");
  EXPECT_TRUE(dialogue->rcpt("b@example.org").lets_through());
  dialogue->session().auth.clear();
  dialogue->mail("a@example.net");
  EXPECT_FALSE(dialogue->session().tagged("exempt"));
  EXPECT_FALSE(dialogue->rcpt("b@example.org").lets_through());
}

}  // namespace
}  // namespace deferd
