#include "config.h"

#include <gtest/gtest.h>

#include "profile.h"

namespace deferd::greylist {
namespace {

using namespace std::chrono_literals;

Value map_of(std::initializer_list<std::pair<std::string_view, Value>> fields) {
  Value map = Value::map();
  for (const auto& [key, value] : fields) map.set(key, value);
  return map;
}
std::string problems_of(const Value& value) {
  Problems problems;
  Config::schema().read(value, problems);
  return problems.to_string("f");
}

TEST(GreylistConfig, NeedsNothing) {
  const auto config = read_or_throw<Config>(Value());
  EXPECT_EQ(config.pass_time, 5min);
  EXPECT_EQ(config.grey_expiry, 8h);
  EXPECT_EQ(config.white_expiry, std::chrono::hours{24 * 36});
  EXPECT_EQ(config.max_wait, 60min);
  EXPECT_EQ(config.ipv4_prefix, 24);
  EXPECT_EQ(config.ipv6_prefix, 64);
}

TEST(GreylistConfig, ReadsEverything) {
  const auto config = read_or_throw<Config>(map_of({
      {"pass_time", "10m"},
      {"pass_times", map_of({{"address", "1m"}})},
      {"quota", map_of({{"burst", "7"}, {"per_minute", "8"}})},
      {"known_senders", map_of({{"pairs", "0"}})},
      {"correspondents", map_of({{"enabled", "no"}})},
      {"profile", "slow"},
      {"profiles", map_of({{"slow", map_of({{"pass_time", "25m"}})}})},
  }));
  EXPECT_EQ(config.quota.burst, 7U);
  EXPECT_FALSE(config.correspondents.enabled);
  const auto profiles = make_profiles(config);
  ASSERT_EQ(profiles.size(), 3U);
  EXPECT_EQ(profiles[0].name, "slow");
  EXPECT_EQ(profiles[0].times(Kind::prefix).pass_time, 25min);
  EXPECT_EQ(profiles[0].times(Kind::address).pass_time, 25min);
  EXPECT_EQ(profiles[1].times(Kind::prefix).pass_time, 10min);
  EXPECT_EQ(profiles[1].times(Kind::address).pass_time, 1min);
}

TEST(GreylistConfig, ProfileSpamdIsSpamds) {
  const auto profiles = make_profiles({});
  ASSERT_EQ(profiles.size(), 2U);
  const auto times = profiles[1].times(Kind::address);
  EXPECT_EQ(profiles[1].name, "spamd");
  EXPECT_EQ(times.pass_time, 25min);
  EXPECT_EQ(times.grey_expiry, 4h);
  EXPECT_EQ(times.white_expiry, 864h);
  EXPECT_TRUE(times.strict);
}

struct Wrong {
  const char* name;
  Value value;
  const char* message;
};
void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.name; }
class WrongConfigs : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongConfigs, AreRefusedWithTheReason) {
  EXPECT_NE(problems_of(GetParam().value).find(GetParam().message), std::string::npos) << problems_of(GetParam().value);
}

const Wrong kWrong[] = {
    {"unknown key", map_of({{"pas_time", "5m"}}), "did you mean 'pass_time'"},
    {"pass after expiry", map_of({{"pass_time", "8h"}, {"max_wait", "0"}}),
     "pass_time (8h) must be shorter than grey_expiry (8h)"},
    {"by kind", map_of({{"pass_times", map_of({{"prefix", "9h"}})}, {"max_wait", "0"}}), "pass_time (9h) must be shorter"},
    {"max_wait below pass_time", map_of({{"max_wait", "1m"}}), "max_wait (1m) must be at least pass_time (5m)"},
    {"max_wait above expiry", map_of({{"max_wait", "8h"}}), "max_wait (8h) must be shorter than grey_expiry (8h)"},
    {"of a profile", map_of({{"profiles", map_of({{"slow", map_of({{"pass_time", "2h"}})}})}}),
     "profiles.slow: max_wait (1h) must be at least"},
    {"range in a profile", map_of({{"profiles", map_of({{"slow", map_of({{"grey_expiry", "1s"}})}})}}),
     "must be within 1m to 30d"},
    {"no such profile", map_of({{"profile", "slow"}}), "'slow' is neither in 'profiles' nor built in"},
    {"prefix", map_of({{"ipv4_prefix", "33"}}), "must be within 8 to 32"},
    {"white prefix", map_of({{"white_ipv6_prefix", "48"}}), "must be within 64 to 128"},
    {"empty reply", map_of({{"reply_text", ""}}), "1 to 400 characters"},
    {"reply of two lines", map_of({{"reply_text", "one\ntwo"}}), "one line of printable ASCII"},
    {"expiry beyond the memory of revocations", map_of({{"known_senders", map_of({{"expiry", "46d"}})}}), "must be within"},
};
INSTANTIATE_TEST_SUITE_P(Greylist, WrongConfigs, ::testing::ValuesIn(kWrong));

}  // namespace
}  // namespace deferd::greylist
