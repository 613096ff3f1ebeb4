#include "traplist_fixture.h"

namespace deferd::traplist {
namespace {

TEST_F(TraplistTest, TrapsWhoWritesToATrap) {
  const auto verdict = to("trap@example.net");
  EXPECT_EQ(verdict.action, Action::defer);
  EXPECT_EQ(verdict.reply.code, 450);
  EXPECT_EQ(verdict.reply.enhanced, "4.7.1");
  EXPECT_EQ(verdict.reply.text, "Mail from 192.0.2.7 is not accepted at present, please try again later");
  EXPECT_EQ(verdict.reason, "mail to the trap trap@example.net");
  EXPECT_EQ(verdict.tags, std::vector<std::string>{"traplist.hit"});
  const auto trapped = row(kTrapped);
  ASSERT_TRUE(trapped);
  EXPECT_EQ(trapped->prefix.to_string(), "192.0.2.7");
  EXPECT_EQ(trapped->added, host.clock().now());
  EXPECT_EQ(trapped->expires, host.clock().now() + 24h);
  EXPECT_EQ(trapped->source, "traplist");
  EXPECT_EQ(trapped->evidence, "mail to the trap trap@example.net");
  EXPECT_EQ(hits("address"), 1u);
  EXPECT_EQ(host.count("deferd_traplist_trapped_total"), 1u);
}

TEST_F(TraplistTest, LetsOthersAlone) {
  EXPECT_TRUE(is_pass(to("bert@example.net")));
  EXPECT_TRUE(is_pass(to("trap@example.com")));
  EXPECT_TRUE(is_pass(to("trap+x@example.net")));
  EXPECT_TRUE(is_pass(to("trap")));
  EXPECT_FALSE(is_trapped());
  to("trap@example.net", "192.0.2.8");
  EXPECT_TRUE(is_pass(to("bert@example.net")));
}

TEST_F(TraplistTest, TellsATrappedClientTheSameWhateverItWrites) {
  to("TRAP@Example.NET.");
  const auto verdict = to("bert@example.net");
  EXPECT_EQ(verdict.reply.code, 450);
  EXPECT_EQ(verdict.reason, "trapped until 2026-01-02T00:00:00Z: mail to the trap trap@example.net");
  EXPECT_EQ(verdict.tags, std::vector<std::string>{"traplist.hit"});
  after(24h);
  EXPECT_TRUE(is_pass(to("bert@example.net")));
}

TEST_F(TraplistTest, KeepsAClientFromItsLatestHit) {
  to("trap@example.net");
  after(23h);
  to("trap@example.net");
  EXPECT_EQ(row(kTrapped)->expires, host.clock().now() + 24h);
  EXPECT_EQ(row(kTrapped)->evidence, "mail to the trap trap@example.net");
  after(12h);
  to("bert@example.net");  // no hit
  after(12h);
  EXPECT_TRUE(is_pass(to("bert@example.net")));
}

TEST_F(TraplistTest, NeverShortensAnOperatorsTrap) {
  put(kTrapped, kClient, "operator", 240h);
  to("trap@example.net");
  EXPECT_EQ(row(kTrapped)->expires, host.clock().now() + 240h);
  EXPECT_EQ(row(kTrapped)->source, "operator");
}

TEST_F(TraplistTest, TakesATrappedClientsWhiteRowAndWhatWasLearnedOfIt) {
  put(kWhite, kClient, "greylist");
  after(1min);
  to("trap@example.net");
  EXPECT_FALSE(row(kWhite));
  EXPECT_EQ(or_throw(host.tables().find(kWhite, *Address::parse(kClient))).revoked, host.clock().now());
  to("trap@example.net", "192.0.2.8");  // was not white
  EXPECT_EQ(or_throw(host.tables().find(kWhite, *Address::parse("192.0.2.8"))).revoked, host.clock().now());
}

TEST_F(TraplistTest, RevokesWhatWasLearnedOnceATrap) {
  const auto revoked = [this] { return or_throw(host.tables().find(kWhite, *Address::parse(kClient))).revoked; };
  to("trap@example.net");
  const auto first = host.clock().now();
  after(1min);
  to("trap@example.net");
  EXPECT_EQ(revoked(), first);
  after(24h);
  put(kTrapped, kClient, "operator");  // takes away nothing by itself
  after(1min);
  to("trap@example.net");
  EXPECT_EQ(revoked(), host.clock().now());
}

TEST_F(TraplistTest, LeavesAnOperatorsWhiteRowAndThoseOfWiderPrefixes) {
  put(kWhite, kClient, "operator");
  put(kWhite, "198.51.100.0/24", "sync");
  to("trap@example.net");
  to("trap@example.net", "198.51.100.7");
  EXPECT_TRUE(row(kWhite));
  EXPECT_TRUE(row(kWhite, "198.51.100.7"));
  EXPECT_TRUE(is_trapped() && is_trapped("198.51.100.7"));  // which counts first
}

TEST_F(TraplistTest, TrapsNobodyForBounces) {
  const auto verdict = to("trap@example.net", kClient, "");
  EXPECT_TRUE(is_pass(verdict));
  EXPECT_EQ(verdict.reason, "mail to the trap trap@example.net; the null sender traps nobody");
  EXPECT_FALSE(is_trapped());
  auto config = with_trap();
  config.null_sender = true;
  configure(config);
  EXPECT_TRUE(is_defer(to("trap@example.net", kClient, "")));
  EXPECT_TRUE(is_trapped());
}

TEST_F(TraplistTest, TellsTrappedClientsTheSameOfTheirBounces) {
  to("trap@example.net");
  EXPECT_TRUE(is_defer(to("trap@example.net", kClient, "")));
}

TEST_F(TraplistTest, TrapsAfterAsManyHitsAsToldWithinTheTime) {
  auto config = with_trap();
  config.hits = 3;
  config.within = 1h;
  configure(config);
  EXPECT_TRUE(is_defer(to("trap@example.net")));
  EXPECT_TRUE(is_defer(to("trap@example.net")));
  EXPECT_FALSE(is_trapped());
  after(1h);  // both are forgotten
  to("trap@example.net");
  after(30min);
  to("trap@example.net");
  EXPECT_FALSE(is_trapped());
  EXPECT_EQ(command("show", {{"key", kClient}})[0].to_json(), R"({"client":"192.0.2.7","state":"not trapped yet","hits":2})");
  after(29min);
  to("trap@example.net");
  EXPECT_TRUE(is_trapped());
  EXPECT_TRUE(command("show", {{"key", kClient}}).empty());
}

TEST_F(TraplistTest, TrapsIpv6ClientsAloneOrByNetwork) {
  to("trap@example.net", "2001:db8::7");
  EXPECT_TRUE(is_trapped("2001:db8::7"));
  EXPECT_FALSE(is_trapped("2001:db8::8"));
  auto config = with_trap();
  config.ipv6_prefix = 64;
  configure(config);
  to("trap@example.net", "2001:db8:1::7");
  EXPECT_TRUE(is_trapped("2001:db8:1::8"));
  EXPECT_FALSE(is_trapped("2001:db8:1:1::7"));
}

TEST_F(TraplistTest, KnowsItsDomainsProperly) {
  Config config;
  config.allowed_domains = {"example.net", "@example.com"};
  config.allowed_domains_files = {folder.write("domains", "# ours\nExample.INFO\n")};
  configure(config);
  for (const auto* rcpt : {"bert@example.net", "bert@mail.Example.Net", "bert@example.com", "x@example.info", "postmaster",
                           "bert", "postmaster@[192.0.2.1]"})
    EXPECT_TRUE(is_pass(to(rcpt))) << rcpt;
  EXPECT_FALSE(is_trapped());
  const auto verdict = to("bert@notexample.net");
  EXPECT_EQ(verdict.reason, "mail to bert@notexample.net, which is none of our domains");
  EXPECT_TRUE(is_trapped());
  EXPECT_TRUE(is_defer(to("bert@mail.example.com", "192.0.2.8")));
  EXPECT_TRUE(is_defer(to("bert@[192.0.2.1]", "192.0.2.9")));
  EXPECT_TRUE(is_defer(to("\"x@example.net\"@example.org", "192.0.2.10")));
  EXPECT_EQ(hits("domain"), 4u);
}

TEST_F(TraplistTest, TrapsNobodyForWhatIsTooLongToBeJudged) {
  Config config;
  config.allowed_domains = {"example.net"};
  config.addresses = {"@example.com"};
  configure(config);
  const auto at = [](std::size_t size, const std::string& domain) { return std::string(size - domain.size(), 'x') + domain; };
  EXPECT_TRUE(is_pass(to(at(kMaxSubject + 1, "@example.net"))));
  EXPECT_TRUE(is_pass(to(at(2000, "@example.net"))));  // folding would cut its domain off
  EXPECT_TRUE(is_pass(to(at(kMaxSubject + 1, "@example.com"))));
  EXPECT_TRUE(is_pass(to(at(kMaxSubject, "@example.net"))));
  EXPECT_FALSE(is_trapped());
  EXPECT_TRUE(is_defer(to(at(kMaxSubject, "@example.org"))));
}

TEST_F(TraplistTest, AnswersAsTold) {
  auto config = with_trap();
  config.reply = {550, "5.7.1", "%A\\nis known"};
  configure(config);
  const auto verdict = to("trap@example.net");
  EXPECT_EQ(verdict.action, Action::reject);
  EXPECT_EQ(verdict.reply.code, 550);
  EXPECT_EQ(verdict.reply.text, "192.0.2.7\nis known");
}

TEST_F(TraplistTest, CountsNothingInADryRun) {
  auto context = session(kClient, "a@example.org");
  context.set_dry(true);
  EXPECT_TRUE(is_defer(plugin->on_rcpt(context, "trap@example.net")));
  EXPECT_EQ(hits("address"), 0u);
  EXPECT_FALSE(host.log().contains("traplist.trapped"));
}

TEST_F(TraplistTest, LeavesABrokenStoreToTheHost) {
  host.break_store({Errc::unavailable, "the store is away"});
  EXPECT_THROW(to("bert@example.net"), ErrorException);
}

TEST_F(TraplistTest, TakesTrapsWhileItRuns) {
  EXPECT_TRUE(is_pass(to("New@example.net")));
  EXPECT_EQ(command("add-trap", {{"address", "<New@Example.Net>"}})[0].to_json(), R"({"address":"new@example.net","new":true})");
  EXPECT_EQ(command("add-trap", {{"address", "new@example.net"}})[0].to_json(), R"({"address":"new@example.net","new":false})");
  EXPECT_TRUE(is_defer(to("new@example.net")));
  EXPECT_TRUE(is_trapped());
  EXPECT_EQ(command("list-traps", {})[0].to_json(), R"({"address":"new@example.net","added":"2026-01-01T00:00:00Z"})");
  EXPECT_EQ(command("show", {{"key", "new@example.net"}})[0].to_json(),
            R"({"trap":"new@example.net","by":"an operator","added":"2026-01-01T00:00:00Z"})");
  EXPECT_EQ(command("list-traps", {{"address", "new@example.net"}}).size(), 1u);
  EXPECT_TRUE(command("list-traps", {{"address", "trap@example.net"}}).empty());
  after(24h * 365 * 10);
  EXPECT_TRUE(is_defer(to("new@example.net", "192.0.2.8")));
  EXPECT_EQ(command("remove-trap", {{"address", "new@example.net"}})[0].to_json(),
            R"({"address":"new@example.net","removed":true})");
  EXPECT_EQ(command("remove-trap", {{"address", "trap@example.net"}})[0].to_json(),
            R"({"address":"trap@example.net","removed":false,"still_by":"the configuration"})");
  EXPECT_TRUE(is_pass(to("new@example.net", "192.0.2.9")));
  EXPECT_THROW(command("add-trap", {{"address", "example.net"}}), ErrorException);
  EXPECT_THROW(command("add-trap", {{"address", std::string(kAddressMax, 'x') + "@example.net"}}), ErrorException);
}

TEST_F(TraplistTest, TakesManyTrapsOfOthersOrNone) {
  const auto take_over = [&](std::initializer_list<std::pair<const char*, const char*>> traps, bool dry = false) {
    Value args = Value::map();
    args.set("dry", dry);
    Value& rows = args.set("rows", Value::list());
    for (const auto& [address, added] : traps) {
      Value& row = rows.append(Value::list());
      row.append(address);
      row.append(added);
    }
    FakeContext context(host);
    FakeRows answer;
    const auto done = plugin->on_command(context, "import-traps", args, answer);
    return done ? answer.rows.at(0).to_json() : done.error().what;
  };
  EXPECT_EQ(take_over({{"one@example.net", "0"}, {"Two@example.net", "1700000000"}, {"two@example.net", "5"}}, true),
            R"({"added":2,"kept":1})");
  EXPECT_TRUE(command("list-traps", {}).empty());
  EXPECT_EQ(take_over({{"one@example.net", "0"}, {"Two@example.net", "1700000000"}, {"two@example.net", "5"}}),
            R"({"added":2,"kept":1})");
  EXPECT_EQ(command("list-traps", {{"address", "one@example.net"}})[0].to_json(),
            R"({"address":"one@example.net","added":"2026-01-01T00:00:00Z"})");
  EXPECT_EQ(command("list-traps", {{"address", "two@example.net"}})[0].to_json(),
            R"({"address":"two@example.net","added":"2023-11-14T22:13:20Z"})");
  EXPECT_TRUE(is_defer(to("two@example.net")));
  EXPECT_NE(take_over({{"three@example.net", "0"}, {"example.net", "0"}}).find("must be a mail address"), std::string::npos);
  EXPECT_EQ(command("list-traps", {}).size(), 2u);
  EXPECT_THROW(command("import-traps", {}), ErrorException);
}

TEST_F(TraplistTest, ForgetsAClientThatIsDeleted) {
  auto config = with_trap();
  config.hits = 2;
  config.ipv6_prefix = 64;
  configure(config);
  to("trap@example.net");
  EXPECT_EQ(command("delete", {{"client", kClient}})[0].to_json(), R"({"deleted":1})");
  to("trap@example.net");
  EXPECT_FALSE(is_trapped());
  to("trap@example.net", "2001:db8::7");
  to("trap@example.net", "2001:db8::8");
  EXPECT_TRUE(is_trapped("2001:db8::7"));
  EXPECT_EQ(command("delete", {{"client", "2001:db8::9"}})[0].to_json(), R"({"deleted":1})");
  EXPECT_FALSE(is_trapped("2001:db8::7"));
}

}  // namespace
}  // namespace deferd::traplist
