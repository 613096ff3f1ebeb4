#include "ctl/rule_filler.h"

#include <gmock/gmock.h>

#include "ctl/fields.h"
#include "ctl/rule_templates.h"
#include "ctl/sick_host.h"

namespace deferd::ctl {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

struct File {
  RuleSystem system;
  const char* name;
  bool listed_only;
};
constexpr File kFiles[] = {{RuleSystem::openbsd, "openbsd.conf", false}, {RuleSystem::openbsd, "openbsd-listed.conf", true},
                           {RuleSystem::freebsd, "freebsd.conf", false}, {RuleSystem::freebsd, "freebsd-listed.conf", true},
                           {RuleSystem::nft, "nftables.nft", false},     {RuleSystem::nft, "nftables-listed.nft", true}};

/// Lines that are no comments.
std::string rules_of(std::string_view text) {
  std::string all;
  each_line_of(text, [&](std::string_view line, std::size_t) {
    const auto begin = line.find_first_not_of(" \t");
    if (begin != line.npos && line[begin] != '#') all += std::string(line) + '\n';
  });
  return all;
}

Value setup(std::string_view listening, std::string_view more = "") {
  return json(R"({"smtp": {"listening": )" + std::string(listening) + R"(}, "exempt": {"networks": ["127.0.0.0/8", "::1"]})" +
              std::string(more) + "}");
}

TEST(PfRules, AreTheFilesThemselvesWhereNothingDiffers) {
  for (const auto& file : kFiles) {
    const auto text = rule_template(file.name);
    ASSERT_NE(text, "") << file.name;
    const char* usual = file.system == RuleSystem::openbsd   ? R"(["127.0.0.1:8025", "[::1]:8025"])"
                        : file.system == RuleSystem::freebsd ? R"(["127.0.0.1:8025", "[fd00:25::1]:8025"])"
                                                             : R"(["0.0.0.0:8025", "[::]:8025"])";
    const auto facts = rule_facts(file.system, setup(usual), file.listed_only);
    ASSERT_TRUE(facts) << facts.error().what;
    EXPECT_EQ(fill_rules(file.system, text, *facts), text) << file.name;
  }
}

TEST(PfRules, HaveWhatTheDaemonHas) {
  RuleFacts facts;
  facts.interface = "em7";
  facts.v4 = Endpoint::parse("192.0.2.9:2525");
  facts.v6 = Endpoint::parse("[2001:db8::9]:2526");
  facts.exempt = {*Prefix::parse("192.0.2.0/24"), *Prefix::parse("2001:db8::/32")};
  facts.renamed = {{"deferd-bypass", "everybody"}, {"bypass4", "all4"}, {"inet deferd", "inet mail"}};
  for (const auto& file : kFiles) {
    const auto rules = rules_of(fill_rules(file.system, rule_template(file.name), facts));
    EXPECT_THAT(rules, AllOf(HasSubstr("em7"), HasSubstr("2525"), HasSubstr("2526"), HasSubstr("192.0.2.0/24"),
                             HasSubstr("2001:db8::/32")))
        << file.name;
    EXPECT_THAT(rules, Not(HasSubstr("8025"))) << file.name;
    EXPECT_THAT(rules, Not(HasSubstr("127.0.0"))) << file.name;
    if (file.system == RuleSystem::nft) {
      EXPECT_THAT(rules, AllOf(HasSubstr("set all4 "), HasSubstr("@all4 "), HasSubstr("\ntable inet mail {"))) << file.name;
      EXPECT_THAT(rules, AllOf(Not(HasSubstr("bypass4")), Not(HasSubstr("inet deferd")))) << file.name;
    } else {
      EXPECT_THAT(rules, AllOf(HasSubstr("table <everybody> persist\n"), HasSubstr("from <everybody>"))) << file.name;
      EXPECT_THAT(rules, AllOf(HasSubstr("192.0.2.9"), HasSubstr("2001:db8::9"), Not(HasSubstr("deferd-bypass")))) << file.name;
    }
  }
}

TEST(PfRules, LeaveOutAFamilyThatDeferdDoesNotListenFor) {
  RuleFacts facts;
  facts.v4 = Endpoint::parse("127.0.0.1:8025");
  for (const auto& file : kFiles) {
    const auto rules = rules_of(fill_rules(file.system, rule_template(file.name), facts));
    EXPECT_THAT(rules, AllOf(HasSubstr("$port4"), Not(HasSubstr("port6")), Not(HasSubstr("listener6")))) << file.name;
    if (file.system == RuleSystem::nft) {
      EXPECT_THAT(rules, Not(HasSubstr("$own"))) << file.name;
    }
  }
}

TEST(PfRules, TellWhatTheyCannotHave) {
  const auto facts = rule_facts(
      RuleSystem::openbsd,
      json(
          R"({"smtp": {"listening": ["127.0.0.1:8025"]}, "exempt": {"own_mx": ["mx2.example.org", "192.0.2.2"], "relays": ["192.0.2.2/31", "192.0.2.3"], "files": ["/etc/x"]}})"),
      false);
  ASSERT_TRUE(facts);
  EXPECT_THAT(facts->exempt, ElementsAre(*Prefix::parse("192.0.2.2/31"))) << "without what another one holds";
  const auto rules = fill_rules(RuleSystem::openbsd, rule_template("openbsd.conf"), *facts);
  EXPECT_THAT(rules, AllOf(HasSubstr("# NOTE: exempt.own_mx: mx2.example.org is a name"), HasSubstr("# NOTE: exempt.files"),
                           HasSubstr("# NOTE: IPv6 is not led to deferd"), HasSubstr("{ 192.0.2.2/31 }")));
  const auto nft = fill_rules(RuleSystem::nft, rule_template("nftables.nft"), *facts);
  EXPECT_TRUE(nft.starts_with("#!/usr/sbin/nft -f\n# NOTE: ")) << nft.substr(0, 100);
}

TEST(PfRules, LeadWhereTheSystemCanLead) {
  const auto target = [](RuleSystem system, const char* listening, bool v6 = false) -> std::string {
    const auto facts = rule_facts(system, setup(listening), false);
    if (!facts) return facts.error().what;
    const auto& endpoint = v6 ? facts->v6 : facts->v4;
    return endpoint ? endpoint->to_string() : "";
  };
  EXPECT_EQ(target(RuleSystem::openbsd, R"(["0.0.0.0:8025", "127.0.0.1:8026"])"), "127.0.0.1:8025");
  EXPECT_EQ(target(RuleSystem::openbsd, R"(["[::]:8025"])", true), "[::1]:8025");
  EXPECT_EQ(target(RuleSystem::freebsd, R"(["[::]:8025"])", true), "[fd00:25::1]:8025");
  EXPECT_EQ(target(RuleSystem::freebsd, R"(["127.0.0.1:8025", "[::1]:8025"])", true), "");
  EXPECT_EQ(target(RuleSystem::nft, R"(["192.0.2.1:8025"])"), "192.0.2.1:8025");
  EXPECT_THAT(target(RuleSystem::nft, R"(["127.0.0.1:8025"])"), HasSubstr("listen on 0.0.0.0:8025"));
  EXPECT_THAT(target(RuleSystem::nft, R"(["unix:/run/x"])"), HasSubstr("no address"));
  EXPECT_THAT(target(RuleSystem::nft, "[]"), HasSubstr("no address"));
}

TEST(PfRules, UseTheHelpersNames) {
  const auto facts = rule_facts(RuleSystem::nft,
                                setup(R"(["0.0.0.0:8025", "[::]:8025"])",
                                      R"(, "helpers": [["deferd-helper", "--table", "white=nft:inet/mail/w4,white6", "--bypass",
                                                         "nft:inet/mail/,,b4,b6"]])"),
                                false);
  ASSERT_TRUE(facts);
  const auto rules = rules_of(fill_rules(RuleSystem::nft, rule_template("nftables.nft"), *facts));
  EXPECT_THAT(rules, AllOf(HasSubstr("table inet mail {"), HasSubstr("ip saddr @w4 "), HasSubstr("ip6 saddr @white6 "),
                           HasSubstr("ip saddr @b4 "), HasSubstr("ip6 saddr @b6 "), HasSubstr("ip saddr @prefixes4 ")));
  const auto anchored =
      rule_facts(RuleSystem::openbsd,
                 setup(R"(["127.0.0.1:8025"])", R"(, "helpers": [["deferd-helper", "--table", "white=pf:mail/w"]])"), false);
  ASSERT_TRUE(anchored);
  EXPECT_THAT(fill_rules(RuleSystem::openbsd, rule_template("openbsd.conf"), *anchored),
              AllOf(HasSubstr("pfctl -a mail -f FILE"), HasSubstr("table <w> persist\n")));
}

TEST(PfRules, LeaveWhoIsExemptToTheHelperThatKeepsHim) {
  const auto rules = [](const File& file, const char* table, const char* set = "exempt") {
    const auto facts = rule_facts(
        file.system,
        json(
            std::string(
                R"({"smtp": {"listening": ["192.0.2.1:8025", "[2001:db8::1]:8025"]}, "helpers": [["deferd-helper", "--table", ")") +
            table +
            R"("]], "exempt": {"networks": ["198.51.100.0/24", "2001:db8::/32"], "own_mx": ["mx2.example.org"], "files": ["x"]}})"),
        file.listed_only, {json(std::string(R"({"set": ")") + set + "\"}")});
    return facts ? fill_rules(file.system, rule_template(file.name), *facts) : facts.error().what;
  };
  for (const auto& file : kFiles) {
    const bool nft = file.system == RuleSystem::nft;
    const auto kept = rules(file, nft ? "exempt=nft:inet/deferd/,,e4,e6" : "exempt=pf:friends");
    EXPECT_THAT(
        kept, AllOf(HasSubstr("mx2.example.org is a name"), HasSubstr("into deferd.yaml"), Not(HasSubstr("NOTE: exempt.files"))))
        << file.name;
    const auto clean = rules_of(kept);
    EXPECT_THAT(clean, AllOf(Not(HasSubstr("198.51.100.0")), Not(HasSubstr("2001:db8::/32")), Not(HasSubstr("127.0.0.0"))))
        << file.name;
    if (nft) {
      EXPECT_THAT(clean, AllOf(HasSubstr("\tset e4 { type ipv4_addr; flags interval; }\n"), HasSubstr("ip6 saddr @e6 accept\n"),
                               Not(HasSubstr("own4")), Not(HasSubstr("element")), Not(HasSubstr("flush set"))))
          << file.name;
    } else {
      EXPECT_THAT(clean, AllOf(HasSubstr("table <friends> persist\n"), HasSubstr("from <friends>"))) << file.name;
    }
    EXPECT_THAT(rules(file, nft ? "exempt=pf:friends" : "exempt=nft:inet/deferd/,,e4,e6"),
                AllOf(HasSubstr("198.51.100.0/24"), HasSubstr("NOTE: exempt.files"), Not(HasSubstr("friends"))))
        << "another packet filter's: " << file.name;
    EXPECT_THAT(rules(file, nft ? "exempt=nft:inet/deferd/,,e4,e6" : "exempt=pf:friends", "white"),
                AllOf(HasSubstr("198.51.100.0/24"), HasSubstr("NOTE: exempt.files")))
        << "the helper has it, and nobody fills it: " << file.name;
  }
}

TEST(PfRules, LeaveWhoIsExemptToAHelperThatPfbridgeAloneKnows) {
  const auto rules = [](const char* helpers) {
    const auto facts = rule_facts(RuleSystem::openbsd, setup(R"(["127.0.0.1:8025"])", helpers), false,
                                  {json(R"({"set": "white"})"), json(R"({"set": "exempt"})")});
    return facts ? fill_rules(RuleSystem::openbsd, rule_template("openbsd.conf"), *facts) : facts.error().what;
  };
  EXPECT_THAT(rules(""), HasSubstr("table <deferd-exempt> persist\n"));
  EXPECT_THAT(rules(R"(, "helpers": [["deferd-helper", "--table", "white=pf:deferd-white"]])"),
              HasSubstr("table <deferd-exempt> persist { 127.0.0.0/8, ::1 }\n"))
      << "the one with the table is none of this packet filter's";
}

TEST(PfRules, DeclareEachTableOnceAndUseIt) {
  for (const auto& file : kFiles) {
    if (file.system == RuleSystem::nft) continue;  // nft itself is asked, in tests/docs
    std::vector<std::string> declared, used;
    each_line_of(rules_of(rule_template(file.name)), [&](std::string_view line, std::size_t) {
      for (std::size_t at = line.find('<'); at != line.npos; at = line.find('<', at + 1)) {
        auto& names = line.starts_with("table ") ? declared : used;
        names.emplace_back(line.substr(at + 1, line.find('>', at) - at - 1));
      }
    });
    EXPECT_THAT(declared, ::testing::SizeIs(::testing::Ge(3u))) << file.name;
    for (const auto& name : declared) EXPECT_THAT(used, ::testing::Contains(name)) << file.name;
    for (const auto& name : used) EXPECT_THAT(declared, ::testing::Contains(name).Times(1)) << file.name;
  }
}

TEST(PfRules, DefineEachNameTheyUse) {
  for (const auto& file : kFiles) {
    const std::string rules = rules_of(rule_template(file.name));
    std::size_t uses = 0;
    for (std::size_t at = rules.find('$'); at != rules.npos; at = rules.find('$', at + 1)) {
      const auto name = rules.substr(at + 1, rules.find_first_of(" \n", at) - at - 1);
      EXPECT_THAT("\n" + rules, HasSubstr((file.system == RuleSystem::nft ? "\ndefine " : "\n") + name + " = ")) << file.name;
      ++uses;
    }
    EXPECT_GE(uses, 8u) << file.name;
  }
}

}  // namespace
}  // namespace deferd::ctl
