#include "ctl/packet_filter.h"

#include <gmock/gmock.h>

#include "ctl/sick_host.h"

namespace deferd::ctl {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Does = FilterRule::Does;

PacketFilter pf(std::string_view rules, std::string_view translation = "") {
  PacketFilter filter;
  read_pf_translation(translation, filter);
  read_pf_rules(rules, filter);
  return filter;
}

/// A chain of nftables for what comes in; `rules` are lists of expressions.
PacketFilter nft(const std::vector<std::string>& rules, const std::string& family = "inet") {
  const std::string place = R"("family": ")" + family + R"(", "table": "deferd")";
  std::string text = R"({"nftables": [{"metainfo": {"version": "1.0.6"}}, {"table": {"family": "inet", "name": "deferd"}},
                         {"chain": {)" +
                     place + R"(, "name": "strangers", "type": "nat", "hook": "prerouting", "prio": -100}},
                         {"chain": {)" +
                     place + R"(, "name": "guard", "type": "filter", "hook": "input"}},
                         {"set": {)" +
                     place + R"(, "name": "white4"}})";
  for (const auto& rule : rules) text += R"(, {"rule": {)" + place + R"(, "chain": "strangers", "expr": [)" + rule + "]}}";
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
  for (const char* other : {"pass all flags S/SA", "pass in on egress from ! 192.0.2.0/24 to any", "block drop in all",
                            "block return all", "pass in proto tcp from any to 192.0.2.9 port = smtp"})
    EXPECT_EQ(pf(redirect + other + "\n").caught_by("", Family::v4), nullptr) << other;
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

TEST(NftListing, SurvivesAnyJson) {
  for (const char* text :
       {"{}", "[]", R"({"nftables": {}})", R"({"nftables": [1, "x", {"rule": 1}, {"rule": {}}, {"chain": []}, {"set": null}]})",
        R"({"nftables": [{"chain": {"type": "nat", "hook": "prerouting"}}, {"rule": {"expr": [1, {}, {"match": 1}, {"log": 1},
                               {"redirect": 1}, {"dnat": {"port": "x"}}, {"match": {"left": {"payload": 1}, "right": {"set": 1}}}]}}]})"}) {
    PacketFilter filter;
    read_nft(json(text), filter);
    EXPECT_THAT(filter.redirects(), IsEmpty()) << text;
  }
}

}  // namespace
}  // namespace deferd::ctl
