#include "unreachable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "from_yaml.h"

namespace deferd::rules {
namespace {

/// The conditions of a rule, as written within its braces.
Conditions conditions(const std::string& text) {
  Problems problems;
  const auto value = parse_yaml("{" + text + "}", problems);
  auto result = Conditions::schema().read(value.value(), problems);
  if (problems.failed()) throw ConfigError(problems);
  return result;
}

struct Pair {
  const char* wide;
  const char* narrow;
};

class Covered : public testing::TestWithParam<Pair> {};
TEST_P(Covered, OneWayAndNotTheOther) {
  EXPECT_TRUE(covers(conditions(GetParam().wide), conditions(GetParam().narrow)));
  EXPECT_FALSE(covers(conditions(GetParam().narrow), conditions(GetParam().wide)));
}
INSTANTIATE_TEST_SUITE_P(Unreachable, Covered,
                         testing::Values(Pair{"", "to: [a@]"}, Pair{"client: [192.0.2.0/24]", "client: [192.0.2.7]"},
                                         Pair{"client: ['2001:db8::/32']", "client: ['2001:db8:1::/48', '2001:db8::1']"},
                                         Pair{"client: [192.0.2.0/24]", "client: [192.0.2.0/24], helo: [x.example]"},
                                         Pair{"client: [10.0.0.0/8, 192.0.2.0/24]", "client: [192.0.2.0/24]"},
                                         Pair{"client_list: [a, b]", "client_list: [b]"},
                                         Pair{"client_name: [example.org]", "client_name: [mx.example.org]"},
                                         Pair{"client_name: [example.org]", "client_name: [.example.org]"},
                                         Pair{"client_name: [.example.org]", "client_name: ['*.a.example.org', mx.example.org]"},
                                         Pair{"helo: ['/a/', '/b/']", "helo: ['/a/']"},
                                         Pair{"from: [example.org]", "from: [A@Example.ORG, '@b.example.org']"},
                                         Pair{"from: [a@]", "from: [a@example.org, a+x@example.org]"},
                                         Pair{"to: ['@example.org']", "to: [a@example.org]"},
                                         Pair{"to: [a@example.org]", "to: [a+x@example.org]"},
                                         Pair{"from: ['<>', a@]", "from: ['<>']"}, Pair{"tls: yes", "tls: verified"},
                                         Pair{"tagged: [a, b]", "tagged: [a]"},
                                         Pair{"time: [Mon-Fri]", "time: [Mon, Tue 08:00-18:00]"},
                                         Pair{"time: [Mon-Wed, Thu-Sun]", "time: [22:00-06:00]"}));

class Equal : public testing::TestWithParam<Pair> {};
TEST_P(Equal, BothWays) {
  EXPECT_TRUE(covers(conditions(GetParam().wide), conditions(GetParam().narrow)));
  EXPECT_TRUE(covers(conditions(GetParam().narrow), conditions(GetParam().wide)));
}
INSTANTIATE_TEST_SUITE_P(Unreachable, Equal,
                         testing::Values(Pair{"", ""}, Pair{"client_name: [.example.org]", "client_name: ['*.EXAMPLE.org.']"},
                                         Pair{"auth: yes", "auth: yes"}, Pair{"time: [Mon-Sun]", "time: [00:00-24:00]"},
                                         Pair{"to: [a@b.example]", "to: [A@B.example]"}));

class Apart : public testing::TestWithParam<Pair> {};
TEST_P(Apart, NeitherCoversTheOther) {
  EXPECT_FALSE(covers(conditions(GetParam().wide), conditions(GetParam().narrow)));
  EXPECT_FALSE(covers(conditions(GetParam().narrow), conditions(GetParam().wide)));
}
INSTANTIATE_TEST_SUITE_P(
    Unreachable, Apart,
    testing::Values(Pair{"client: [192.0.2.0/24]", "client: [198.51.100.0/24]"}, Pair{"client: [0.0.0.0/0]", "client: ['::/0']"},
                    Pair{"client: [192.0.2.0/24]", "to: [a@]"},
                    Pair{"client_name: [example.org]", "client_name: [notexample.org]"},
                    Pair{"client_name: [example.org]", "helo: [example.org]"}, Pair{"helo: ['/a/']", "helo: [a.example]"},
                    Pair{"from: [a@example.org]", "from: [a@sub.example.org]"},
                    Pair{"from: ['@example.org']", "from: [a@sub.example.org]"}, Pair{"from: [a@]", "from: [ab@]"},
                    Pair{"from: ['<>']", "from: [example.org]"}, Pair{"from: [a@]", "to: [a@]"},
                    Pair{"to: [example.org]", "to: [postmaster@]"}, Pair{"tls: no", "tls: yes"}, Pair{"auth: yes", "auth: no"},
                    Pair{"client_list: [a]", "client_list: [b]"}, Pair{"time: [Mon-Wed]", "time: [Wed-Fri]"}));

/// The places in the list of rules that are reported.
std::string unreachable(const std::string& rules) {
  std::string all;
  const auto result = read("rules: [" + rules + "]");
  for (const auto& problem : result.problems.list()) {
    EXPECT_TRUE(problem.warning) << problem.message;
    all += problem.path.substr(problem.path.find('['));
  }
  return all;
}

TEST(UnreachableTest, OnlyRulesThatEndTheListHideOthers) {
  for (const char* end : {"accept", "defer", "reject", "pass"})
    EXPECT_EQ(unreachable("{to: [a@], do: " + std::string(end) + "}, {to: [a@], do: accept}"), "[1]") << end;
  EXPECT_EQ(unreachable("{to: [a@], do: tag, tags: [x]}, {to: [a@], do: set, set: {x: y}}, {to: [a@], do: accept}"), "");
}

TEST(UnreachableTest, RulesThatTagAreHiddenToo) { EXPECT_EQ(unreachable("{do: accept}, {do: tag, tags: [x]}"), "[1]"); }

TEST(UnreachableTest, EachHiddenRuleIsReportedOnce) {
  EXPECT_EQ(unreachable("{do: accept}, {do: accept}, {to: [a@], do: accept}"), "[1][2]");
}

TEST(UnreachableTest, AnExceptionLetsTheRestThrough) {
  EXPECT_EQ(unreachable("{unless: {to: [a@]}, do: accept}, {do: defer}"), "");
  EXPECT_EQ(unreachable("{unless: {to: [a@]}, do: accept}, {unless: {to: [a@, b@]}, do: defer}"), "[1]");
  EXPECT_EQ(unreachable("{unless: {to: [a@, b@]}, do: accept}, {unless: {to: [a@]}, do: defer}"), "");
  EXPECT_EQ(unreachable("{unless: {to: [a@]}, do: accept}, {unless: {from: [a@]}, do: defer}"), "");
}

TEST(UnreachableTest, ARuleThatExceptsAllItAsksForIsReported) {
  EXPECT_EQ(unreachable("{client: [192.0.2.7], unless: {client: [192.0.2.0/24]}, do: accept}"), "[0]");
  EXPECT_EQ(unreachable("{client: [192.0.2.0/24], unless: {client: [192.0.2.7]}, do: accept}"), "");
  EXPECT_EQ(unreachable("{time: [Mon], unless: {time: [Mon-Fri], to: [a@]}, do: accept}"), "[0]");
}

TEST(UnreachableTest, TheWiderRuleMayStandAnywhereAbove) {
  EXPECT_EQ(unreachable("{to: [a@example.org], do: accept}, {to: [a@], do: accept}, {to: [a@example.com], do: defer}"), "[2]");
}

}  // namespace
}  // namespace deferd::rules
