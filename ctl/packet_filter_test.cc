#include "ctl/packet_filter.h"

#include <gmock/gmock.h>

#include <map>

#include "ctl/sick_host.h"

namespace deferd::ctl {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Does = FilterRule::Does;

PacketFilter pf(std::string_view rules, std::string_view translation = "") {
  PacketFilter filter;
  read_pf_translation(translation, filter);
  read_pf_rules(rules, filter);
  return filter;
}

using Rules = std::vector<std::string>;

/// A chain of nftables for what comes in, and others that it may call; rules are lists of expressions.
PacketFilter nft(const Rules& rules, const std::string& family = "inet", const std::map<std::string, Rules>& called = {}) {
  const std::string place = R"("family": ")" + family + R"(", "table": "deferd")";
  std::string text = R"({"nftables": [{"metainfo": {"version": "1.0.6"}}, {"table": {"family": "inet", "name": "deferd"}},
                         {"chain": {)" +
                     place + R"(, "name": "strangers", "type": "nat", "hook": "prerouting", "prio": -100}},
                         {"chain": {)" +
                     place + R"(, "name": "guard", "type": "filter", "hook": "input"}},
                         {"set": {)" +
                     place + R"(, "name": "white4"}})";
  const auto add = [&](const std::string& chain, const Rules& its) {
    for (const auto& rule : its) text += R"(, {"rule": {)" + place + R"(, "chain": ")" + chain + R"(", "expr": [)" + rule + "]}}";
  };
  for (const auto& [chain, its] : called) text += R"(, {"chain": {)" + place + R"(, "name": ")" + chain + R"("}})";
  add("strangers", rules);
  for (const auto& [chain, its] : called) add(chain, its);
  PacketFilter filter;
  read_nft(json(text + "]}"), filter);
  return filter;
}

const std::string kPort25 = R"({"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 25}})";
const std::string kFromWhite =
    R"({"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "@white4"}})";
const std::string kNotFromWhite =
    R"({"match": {"op": "!=", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "@white4"}})";
const std::string kAccept = R"({"accept": null})";
const std::string kRedirect = R"({"counter": {"packets": 0, "bytes": 0}}, {"redirect": {"port": 8025}})";

TEST(PfListing, OfOpenbsdIsDecidedByTheLastRule) {
  const auto filter = pf(kOpenbsdRules);
  const auto* redirect = filter.caught_by("", Family::v4);
  ASSERT_NE(redirect, nullptr);
  EXPECT_EQ(redirect->address, "127.0.0.1");
  EXPECT_EQ(redirect->port, 8025);
  EXPECT_EQ(redirect->log, "");
  ASSERT_NE(filter.caught_by("", Family::v6), nullptr);
  EXPECT_EQ(filter.caught_by("", Family::v6)->address, "::1");
  for (const char* table : {"deferd-white", "deferd-exempt", "deferd-bypass"}) {
    EXPECT_EQ(filter.caught_by(table, Family::v4), nullptr) << table;
    EXPECT_EQ(filter.caught_by(table, Family::v6), nullptr) << table;
    EXPECT_TRUE(filter.uses(table)) << table;
  }
  EXPECT_NE(filter.caught_by("another", Family::v4), nullptr);
  EXPECT_THAT(filter.logs, Contains("pflog1").Times(2));
  EXPECT_THAT(filter.logs, Contains("pflog0").Times(1));
}

TEST(PfListing, OfFreebsdsTranslationIsDecidedByTheFirstRule) {
  const auto filter = pf(kFreebsdRules, kFreebsdTranslation);
  EXPECT_NE(filter.caught_by("", Family::v4), nullptr);
  EXPECT_EQ(filter.caught_by("", Family::v6)->address, "fd00:25::1");
  EXPECT_EQ(filter.caught_by("deferd-white", Family::v4), nullptr);
  const auto late = pf("",
                       "rdr pass log on em0 inet proto tcp from any to any port = smtp -> 127.0.0.1 port 8025\n"
                       "no rdr on em0 inet proto tcp from <w> to any port = smtp\n");
  ASSERT_NE(late.caught_by("w", Family::v4), nullptr);
  EXPECT_EQ(late.caught_by("w", Family::v4)->log, "pflog0");
  EXPECT_EQ(late.caught_by("w", Family::v6), nullptr);
}

TEST(PfListing, KnowsARedirectOfAllButATablesMembers) {
  const auto filter = pf("", "rdr on epair0a inet proto tcp from ! <w> to any port = smtp -> 127.0.0.1 port 8025\n");
  EXPECT_NE(filter.caught_by("", Family::v4), nullptr);
  EXPECT_EQ(filter.caught_by("w", Family::v4), nullptr);
}

TEST(PfListing, TakesFreebsds15RulesOfTheOpenbsdKind) {
  const auto filter =
      pf("pass in on epair0a inet proto tcp from any to any port = smtp flags S/SA keep state rdr-to 127.0.0.1 port 8025\n"
         "pass in on epair0a proto tcp from <nospamd> to any port = smtp flags S/SA keep state\n");
  EXPECT_EQ(filter.caught_by("", Family::v4)->port, 8025);
  EXPECT_EQ(filter.caught_by("nospamd", Family::v4), nullptr);
}

TEST(PfListing, PassesOverWhatIsNotStrangersMail) {
  const std::string redirect =
      "pass in on egress inet proto tcp from any to any port = 25 flags S/SA divert-to 127.0.0.1 port 8025\n";
  for (const char* other : {"pass in on egress proto tcp from any to any port = 443 flags S/SA",
                            "pass in proto udp from any to any port = 25", "pass out quick all flags S/SA",
                            "pass in on em1 all flags S/SA", "pass in on ! egress all", "pass in from 192.0.2.0/24 to any",
                            "pass in proto tcp from any port = 25 to any", "match in all scrub (no-df)", "anchor \"x\" all", "",
                            "anchor \"x\" all {\n  pass in quick all\n}", "pass in proto tcp from any to 192.0.2.9 flags S/SA"})
    EXPECT_NE(pf(redirect + other + "\n").caught_by("", Family::v4), nullptr) << other;
  for (const char* other :
       {"pass all flags S/SA", "pass in on any all flags S/SA", "pass in on egress from ! 192.0.2.0/24 to any",
        "block drop in all", "block return all", "pass in proto tcp from any to 192.0.2.9 port = smtp"})
    EXPECT_EQ(pf(redirect + other + "\n").caught_by("", Family::v4), nullptr) << other;
}

TEST(PfListing, KnowsThatRulesWhichDecideNothingMayLog) {
  const auto filter = pf("match out log (matches, to pflog1) on egress proto tcp from any to any port = 25\n");
  EXPECT_THAT(filter.logs, ElementsAre("pflog1"));
  EXPECT_THAT(filter.chains.back().rules, IsEmpty());
}

TEST(PfListing, SurvivesLinesThatEndEarly) {
  for (const char* line :
       {"rdr", "no", "pass in log (", "pass in on", "pass proto", "pass from", "pass in from ! ", "pass to", "pass in from < to",
        "pass to any port", "pass rdr-to", "rdr ->", "pass rdr-to 1.2.3.4 port", "pass rdr-to 1.2.3.4 port 99999999"}) {
    const auto filter = pf(line, line);
    EXPECT_EQ(filter.caught_by("", Family::v4), nullptr) << line;
  }
}

TEST(PfListing, NamesTheTablesThereAre) {
  PacketFilter filter;
  read_pf_tables("deferd-bypass\ndeferd-white\n", filter);
  EXPECT_TRUE(filter.has("deferd-white"));
  EXPECT_FALSE(filter.has("deferd-w"));
}

TEST(NftListing, IsDecidedByTheFirstRule) {
  const auto filter = nft(
      {kPort25 + "," + kFromWhite + R"(, {"log": {"group": 155, "prefix": "white"}}, )" + kAccept, kPort25 + "," + kRedirect});
  const auto* redirect = filter.caught_by("", Family::v4);
  ASSERT_NE(redirect, nullptr);
  EXPECT_EQ(redirect->port, 8025);
  EXPECT_EQ(redirect->address, "");
  EXPECT_EQ(filter.caught_by("inet/deferd/white4", Family::v4), nullptr);
  EXPECT_NE(filter.caught_by("inet/deferd/white4", Family::v6), nullptr);  // its rule is of IPv4
  EXPECT_TRUE(filter.uses("inet/deferd/white4"));
  EXPECT_TRUE(filter.has("inet/deferd/white4"));
  EXPECT_THAT(filter.logs, ElementsAre("nflog:155"));
  const auto late = nft({kPort25 + "," + kRedirect, kPort25 + "," + kFromWhite + "," + kAccept});
  EXPECT_NE(late.caught_by("inet/deferd/white4", Family::v4), nullptr);
}

TEST(NftListing, KnowsOtherWaysToSayIt) {
  const std::string several =
      R"({"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": {"set": [25, 465]}}})";
  const std::string nat = R"({"dnat": {"family": "ip", "addr": "192.0.2.10", "port": 8025}})";
  EXPECT_EQ(nft({several + "," + nat}).caught_by("", Family::v4)->address, "192.0.2.10");
  EXPECT_EQ(nft({kPort25 + "," + kNotFromWhite + "," + kRedirect}).caught_by("inet/deferd/white4", Family::v4), nullptr);
  EXPECT_NE(nft({kPort25 + "," + kNotFromWhite + "," + kRedirect}).caught_by("", Family::v4), nullptr);
  const std::string v4 = R"({"match": {"op": "==", "left": {"meta": {"key": "nfproto"}}, "right": "ipv4"}})";
  EXPECT_EQ(nft({v4 + "," + kPort25 + "," + kRedirect}).caught_by("", Family::v6), nullptr);
  EXPECT_EQ(nft({kPort25 + "," + kRedirect}, "ip6").caught_by("", Family::v4), nullptr);
  EXPECT_NE(nft({kPort25 + "," + kRedirect}, "ip6").caught_by("", Family::v6), nullptr);
}

TEST(NftListing, PassesOverWhatIsNotStrangersMail) {
  const auto interface = [](const char* name) {
    return R"({"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": ")" + std::string(name) + R"("}})";
  };
  const std::string redirect = interface("eth0") + "," + kPort25 + "," + kRedirect;
  const std::string own =
      R"({"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": {"prefix": {"addr": "192.0.2.0", "len": 24}}}})";
  const std::string established = R"({"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": "established"}})";
  const std::string https =
      R"({"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 443}})";
  for (const auto& other : {own + "," + kAccept, established + "," + kAccept, https + "," + kAccept,
                            interface("eth1") + "," + kAccept, kPort25 + R"(, {"counter": {"packets": 0, "bytes": 0}})"})
    EXPECT_NE(nft({other, redirect}).caught_by("", Family::v4), nullptr) << other;
  for (const auto& other : {kAccept, kPort25 + "," + kAccept, interface("eth0") + "," + kAccept, kPort25 + R"(, {"drop": null})"})
    EXPECT_EQ(nft({other, redirect}).caught_by("", Family::v4), nullptr) << other;
}

std::string jump(const std::string& chain) { return R"({"jump": {"target": ")" + chain + R"("}})"; }
std::string go_to(const std::string& chain) { return R"({"goto": {"target": ")" + chain + R"("}})"; }
/// Matches on a mark: who has it?
const std::string kMarked = R"({"match": {"op": "==", "left": {"meta": {"key": "mark"}}, "right": 1}})";
const std::string kReturn = R"({"return": null})";
const std::string kWhite = "inet/deferd/white4";

TEST(NftListing, IsFollowedIntoTheChainsThatRulesCall) {
  for (const auto& call : {jump("mail"), go_to("mail")}) {
    const auto filter = nft({kPort25 + "," + call}, "inet", {{"mail", {kFromWhite + "," + kAccept, kRedirect}}});
    ASSERT_NE(filter.caught_by("", Family::v4), nullptr) << call;
    EXPECT_EQ(filter.caught_by("", Family::v4)->text, "a rule in inet/deferd/mail");
    EXPECT_EQ(filter.caught_by(kWhite, Family::v4), nullptr) << call;
    EXPECT_THAT(filter.redirects(), SizeIs(1)) << call;
    const auto late = nft({kPort25 + "," + call}, "inet", {{"mail", {kRedirect, kFromWhite + "," + kAccept}}});
    EXPECT_NE(late.caught_by(kWhite, Family::v4), nullptr) << call;
  }
  const auto twice = nft({kPort25 + "," + jump("one"), kPort25 + "," + jump("two")}, "inet",
                         {{"one", {kFromWhite + "," + kAccept}}, {"two", {jump("last")}}, {"last", {kRedirect}}});
  EXPECT_NE(twice.caught_by("", Family::v4), nullptr);
  EXPECT_EQ(twice.caught_by(kWhite, Family::v4), nullptr);
}

TEST(NftListing, ComesBackFromAJumpAndNotFromAGoto) {
  const std::map<std::string, Rules> spared{{"spared", {kFromWhite + "," + kAccept}}};
  const auto back = nft({kPort25 + "," + jump("spared"), kPort25 + "," + kRedirect}, "inet", spared);
  EXPECT_NE(back.caught_by("", Family::v4), nullptr);
  EXPECT_EQ(back.caught_by(kWhite, Family::v4), nullptr);
  EXPECT_EQ(nft({kPort25 + "," + go_to("spared"), kPort25 + "," + kRedirect}, "inet", spared).caught_by("", Family::v4), nullptr);
}

TEST(NftListing, LeavesAChainWhereARuleSaysSo) {
  const auto filter = nft({kPort25 + "," + jump("mail"), kPort25 + "," + kAccept}, "inet",
                          {{"mail", {kFromWhite + "," + kReturn, kMarked + "," + kReturn, kRedirect}}});
  EXPECT_NE(filter.caught_by("", Family::v4), nullptr);
  EXPECT_EQ(filter.caught_by(kWhite, Family::v4), nullptr);
}

TEST(NftListing, FollowsAMapOfVerdicts) {
  const auto by_port = [](const std::string& verdicts) {
    return R"({"vmap": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "data": {"set": [)" + verdicts + "]}}}";
  };
  const std::map<std::string, Rules> mail{{"mail", {kFromWhite + "," + kAccept, kRedirect}}};
  const auto filter = nft({by_port("[443, " + kAccept + "], [25, " + jump("mail") + "]")}, "inet", mail);
  EXPECT_NE(filter.caught_by("", Family::v4), nullptr);
  EXPECT_EQ(filter.caught_by(kWhite, Family::v4), nullptr);
  EXPECT_EQ(nft({by_port(R"([{"range": [20, 30]}, )" + kAccept + "]"), kPort25 + "," + kRedirect}).caught_by("", Family::v4),
            nullptr);
  EXPECT_EQ(nft({by_port("[443, " + jump("mail") + "]")}, "inet", mail).caught_by("", Family::v4), nullptr);
  // Of a map with a name the listing does not tell what it holds.
  const std::string named = R"({"vmap": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "data": "@ports"}})";
  EXPECT_NE(nft({named, kPort25 + "," + kRedirect}).caught_by("", Family::v4), nullptr);
}

TEST(NftListing, AsksByWhichInterfaceACallIsReached) {
  const auto by = [](const std::string& names) {
    return R"({"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": )" + names + "}}";
  };
  const std::map<std::string, Rules> mail{{"mail", {kFromWhite + "," + kAccept, kRedirect}}};
  for (const std::string names : {R"("eth0")", R"({"set": ["eth0", "eth1"]})"}) {
    const auto call = by(names) + "," + kPort25 + "," + jump("mail");
    EXPECT_NE(nft({by(R"("eth7")") + "," + kAccept, call}, "inet", mail).caught_by("", Family::v4), nullptr) << names;
    EXPECT_EQ(nft({by(names) + "," + kAccept, call}, "inet", mail).caught_by("", Family::v4), nullptr) << names;
    EXPECT_EQ(nft({call}, "inet", mail).caught_by(kWhite, Family::v4), nullptr) << names;
  }
}

TEST(NftListing, TakesTheInterfacesOfARuleAsASet) {
  const auto by = [](const std::string& names) {
    return R"({"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": {"set": [)" + names + "]}}}, ";
  };
  const std::string redirect = by(R"("eth0", "eth1")") + kPort25 + "," + kRedirect;
  for (const std::string names : {R"("eth1", "eth0")", R"("eth0", "eth1", "eth2")"}) {
    const auto filter = nft({by(names) + kFromWhite + "," + kAccept, redirect});
    EXPECT_EQ(filter.caught_by(kWhite, Family::v4), nullptr) << names;
    EXPECT_NE(filter.caught_by("", Family::v4), nullptr) << names;
    EXPECT_THAT(filter.redirects(), SizeIs(1)) << names;
  }
  // By eth1 they are caught all the same.
  EXPECT_NE(nft({by(R"("eth0")") + kFromWhite + "," + kAccept, redirect}).caught_by(kWhite, Family::v4), nullptr);
}

std::string by(const std::string& names) {
  return R"({"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": )" + names + "}}, ";
}

TEST(NftListing, TakesANameWithAStarForAllThatBeginSo) {
  const std::string redirect = kPort25 + "," + kRedirect, spare = kFromWhite + "," + kAccept;
  for (const std::string names : {R"("ppp*")", R"({"set": ["eth0", "ppp*"]})"}) {
    const auto filter = nft({by(names) + spare, by(R"({"set": ["ppp0", "ppp12"]})") + redirect});
    EXPECT_NE(filter.caught_by("", Family::v4), nullptr) << names;
    EXPECT_EQ(filter.caught_by(kWhite, Family::v4), nullptr) << names;
    EXPECT_EQ(nft({by(names) + spare, by(names) + redirect}).caught_by(kWhite, Family::v4), nullptr) << names;
    EXPECT_NE(nft({by(names) + spare, by(R"("pp0")") + redirect}).caught_by(kWhite, Family::v4), nullptr) << names;
  }
  EXPECT_NE(nft({by(R"("ppp0")") + spare, by(R"("ppp*")") + redirect}).caught_by(kWhite, Family::v4), nullptr)
      << "by ppp1 they are caught all the same";
}

TEST(NftListing, FollowsNamesWithAStarIntoCalls) {
  for (const auto& [outer, inner] : {std::pair(R"("ppp*")", R"("ppp0")"), std::pair(R"("ppp0")", R"("ppp*")")}) {
    const auto filter = nft({by(outer) + kPort25 + "," + jump("mail")}, "inet", {{"mail", {by(inner) + kRedirect}}});
    EXPECT_NE(filter.caught_by("", Family::v4), nullptr) << outer;
    EXPECT_THAT(filter.redirects(), SizeIs(1)) << outer;
  }
  const auto never = nft({by(R"("eth0")") + kPort25 + "," + jump("mail")}, "inet", {{"mail", {by(R"("ppp*")") + kRedirect}}});
  EXPECT_THAT(never.redirects(), IsEmpty());
}

TEST(NftListing, ReadsTheMembersOfASetOfInterfaces) {
  auto filter = nft({by(R"("@wan")") + kFromWhite + "," + kAccept, by(R"("ppp0")") + kPort25 + "," + kRedirect});
  EXPECT_THAT(filter.interface_sets(), ElementsAre("inet/deferd/wan"));
  EXPECT_NE(filter.caught_by(kWhite, Family::v4), nullptr) << "who knows what is in there";
  const auto listing = [](const std::string& members) {
    return json(R"({"nftables": [{"metainfo": {}}, {"set": {"family": "inet", "name": "wan", "table": "deferd", "type": "ifname"
                )" +
                members + "}}]}");
  };
  read_nft_interfaces(listing(""), filter);
  EXPECT_NE(filter.caught_by(kWhite, Family::v4), nullptr) << "nothing is";
  read_nft_interfaces(listing(R"(, "elem": ["eth0", {"elem": {"val": "ppp*", "comment": "dialled"}}])"), filter);
  EXPECT_EQ(filter.caught_by(kWhite, Family::v4), nullptr);
  EXPECT_NE(filter.caught_by("", Family::v4), nullptr);
  EXPECT_THAT(filter.interface_sets(), IsEmpty());
}

TEST(NftListing, IsNotSureOfACallThatLooksAtMore) {
  const std::map<std::string, Rules> chains{{"mail", {kFromWhite + "," + kAccept, kRedirect}}, {"open", {kAccept}}};
  const auto filter = nft({kMarked + "," + kPort25 + "," + jump("mail")}, "inet", chains);
  EXPECT_NE(filter.caught_by("", Family::v4), nullptr);
  EXPECT_EQ(filter.caught_by(kWhite, Family::v4), nullptr);
  for (const auto& call : {jump("open"), go_to("open")})
    EXPECT_NE(nft({kMarked + "," + call, kPort25 + "," + kRedirect}, "inet", chains).caught_by("", Family::v4), nullptr) << call;
  EXPECT_EQ(nft({jump("open"), kPort25 + "," + kRedirect}, "inet", chains).caught_by("", Family::v4), nullptr);
}

TEST(NftListing, IsFollowedWithinBounds) {
  const auto circle = nft({kPort25 + "," + jump("a"), kPort25 + "," + kRedirect}, "inet",
                          {{"a", {jump("b")}}, {"b", {jump("a"), jump("nowhere")}}});
  EXPECT_NE(circle.caught_by("", Family::v4), nullptr);
  std::map<std::string, Rules> wide;
  for (int i = 0; i < 20; ++i) wide["c" + std::to_string(i)] = Rules(20, jump("c" + std::to_string(i + 1)));
  EXPECT_EQ(nft({kPort25 + "," + jump("c0")}, "inet", wide).caught_by("", Family::v4), nullptr);
}

TEST(NftListing, KnowsWhatANewConnectionIs) {
  const auto state = [](const std::string& right) {
    return R"({"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": )" + right + "}}";
  };
  for (const std::string states : {R"("new")", R"(["new", "untracked"])"})
    EXPECT_EQ(nft({state(states) + "," + kPort25 + "," + kFromWhite + "," + kAccept, kPort25 + "," + kRedirect})
                  .caught_by(kWhite, Family::v4),
              nullptr)
        << states;
  const std::string limited = kPort25 + R"(, {"limit": {"rate": 10, "per": "second"}}, )" + kAccept;
  EXPECT_NE(nft({limited, kPort25 + "," + kRedirect}).caught_by("", Family::v4), nullptr);
}

TEST(NftListing, KnowsTheFamilyOfAnAddressThatARuleLooksAt) {
  const std::string others =
      R"({"match": {"op": "!=", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "192.0.2.1"}})";
  const auto filter = nft({others + "," + kPort25 + "," + kRedirect});
  EXPECT_NE(filter.caught_by("", Family::v4), nullptr);
  EXPECT_EQ(filter.caught_by("", Family::v6), nullptr);
}

TEST(NftListing, SurvivesAnyJson) {
  for (const char* text :
       {"{}", "[]", R"({"nftables": {}})", R"({"nftables": [1, "x", {"rule": 1}, {"rule": {}}, {"chain": []}, {"set": null}]})",
        R"({"nftables": [{"chain": {"type": "nat", "hook": "prerouting"}}, {"rule": {"expr": [1, {}, {"match": 1}, {"log": 1},
                               {"vmap": 1}, {"vmap": {"data": {"set": [1, [], [25, 1], [25, {}]]}}}, {"jump": 1},
                               {"redirect": 1}, {"dnat": {"port": "x"}}, {"match": {"left": {"payload": 1}, "right": {"set": 1}}}]}}]})"}) {
    PacketFilter filter;
    read_nft(json(text), filter);
    read_nft_interfaces(json(text), filter);
    EXPECT_THAT(filter.redirects(), IsEmpty()) << text;
  }
}

}  // namespace
}  // namespace deferd::ctl
