// Files with everything wrong, and the complete list of what is told about them.
#include "deferd/schema.h"

#include <gtest/gtest.h>

#include <limits>

#include "config/yaml.h"

namespace deferd {
namespace {

using namespace std::chrono_literals;

enum class Engine { rocksdb, memory };

struct Relay {
  Mark mark;
  std::vector<Prefix> networks;
  std::string name = "relay";
  static Schema<Relay> schema() {
    return Schema<Relay>{}
        .required("networks", &Relay::networks, "Where it is.")
        .field("name", &Relay::name, "What it is called.");
  }
};

struct Config {
  std::chrono::seconds pass_time = 5min;
  std::chrono::seconds grey_expiry = 8h;
  std::chrono::milliseconds budget = 2s;
  Engine engine = Engine::rocksdb;
  std::uint16_t port = 25;
  double share = 0.5;
  bool shadow = false;
  std::string text;
  std::optional<Address> bind;
  std::vector<Relay> relays;
  std::vector<std::pair<std::string, int>> quota;
  Relay main;
  Value free;
  static Schema<Config> schema();
};

}  // namespace

template <>
struct Choices<Engine> {
  static constexpr std::pair<std::string_view, Engine> values[] = {{"rocksdb", Engine::rocksdb}, {"memory", Engine::memory}};
};

namespace {

Schema<Config> Config::schema() {
  return Schema<Config>{}
      .field("pass_time", &Config::pass_time, 0s, 24h, "A retry sooner than this is deferred again.")
      .field("grey_expiry", &Config::grey_expiry, "A first attempt is forgotten after this long.")
      .field("budget", &Config::budget, "How long a hook may take.")
      .field("engine", &Config::engine, "Where records are kept.")
      .field("port", &Config::port, 1, 65535, "Where to listen.")
      .field("share", &Config::share, 0.0, 1.0, "How much.")
      .field("shadow", &Config::shadow, "Ask, but do not count.")
      .field("text", &Config::text, "Any text.")
      .field("bind", &Config::bind, "The address to bind.")
      .field("relays", &Config::relays, "Who relays for us.")
      .field("quota", &Config::quota, "By name.")
      .field("main", &Config::main, "One of them.")
      .field("free", &Config::free, "Anything.")
      .rule([](const Config& c) { return c.pass_time < c.grey_expiry ? "" : "pass_time must be shorter than grey_expiry"; })
      .check([](const Config& c, const Value& value, const std::string& path, Problems& problems) {
        if (c.shadow) problems.warning(value.find("shadow")->mark(), detail::join_path(path, "shadow"), "nothing counts");
      });
}

Config read(std::string_view text, Problems& problems) {
  const auto value = parse_yaml(text, problems);
  return value ? Config::schema().read(*value, problems) : Config{};
}

std::string problems_of(std::string_view text) {
  Problems problems;
  read(text, problems);
  return problems.to_string("deferd.yaml");
}

TEST(Schema, ReadsEveryKindOfSetting) {
  Problems problems;
  const Config config = read(
      "pass_time: 1m30s\nbudget: 250ms\nengine: memory\nport: 8025\nshare: 2.5e-1\nshadow: no\ntext: \"25m\"\nbind: ::1\n"
      "relays:\n  - {networks: [192.0.2.0/24, 2001:db8::1]}\n  - networks: []\n    name: x\nquota: {a: 1, b: -2}\n"
      "main: {networks: []}\nfree: {x: [1]}\n",
      problems);
  EXPECT_EQ(problems.to_string("f"), "");
  EXPECT_EQ(config.pass_time, 90s);
  EXPECT_EQ(config.grey_expiry, 8h) << "left at its default";
  EXPECT_EQ(config.budget, 250ms);
  EXPECT_EQ(config.engine, Engine::memory);
  EXPECT_EQ(config.port, 8025);
  EXPECT_EQ(config.share, 0.25);
  EXPECT_EQ(config.text, "25m");
  EXPECT_EQ(config.bind, or_throw(Address::parse("::1")));
  ASSERT_EQ(config.relays.size(), 2U);
  EXPECT_EQ(config.relays[0].networks.size(), 2U);
  EXPECT_EQ(config.relays[1].name, "x");
  EXPECT_EQ(config.relays[1].mark.line, 11U);
  EXPECT_EQ(config.quota, (std::vector<std::pair<std::string, int>>{{"a", 1}, {"b", -2}}));
  EXPECT_EQ(config.free.to_json(), R"({"x":["1"]})");
}

TEST(Schema, TakesAnEmptyFileForAllDefaults) {
  EXPECT_EQ(problems_of(""), "");
  EXPECT_EQ(problems_of("bind: ~\n"), "");
}

TEST(Schema, TellsEveryProblemInTheOrderOfTheFile) {
  EXPECT_EQ(problems_of("pas_time: 5m\n"
                        "grey_expiry: 8\n"
                        "budget: [1s]\n"
                        "engine: rocks\n"
                        "port: 65536\n"
                        "share: half\n"
                        "shadow: maybe\n"
                        "text: {a: b}\n"
                        "bind: 192.0.2.300\n"
                        "relays:\n"
                        "  - networks: [192.0.2.1/24, ::/0, x]\n"
                        "  - nam: y\n"
                        "  - z\n"
                        "quota: [a]\n"
                        "main: 7\n"),
            "deferd.yaml:1:1: unknown key 'pas_time'; did you mean 'pass_time'?\n"
            "deferd.yaml:2:14: grey_expiry: '8': a number needs its unit: ms, s, m, h, d or w\n"
            "deferd.yaml:3:9: budget: expected duration, found a list\n"
            "deferd.yaml:4:9: engine: 'rocks' is none of rocksdb | memory\n"
            "deferd.yaml:5:7: port: '65536': is out of range\n"
            "deferd.yaml:6:8: share: 'half': not a number\n"
            "deferd.yaml:7:9: shadow: 'maybe': neither yes nor no\n"
            "deferd.yaml:8:7: text: expected text, found a map\n"
            "deferd.yaml:9:7: bind: '192.0.2.300': not an address such as 192.0.2.7 or 2001:db8::1\n"
            "deferd.yaml:11:16: relays[0].networks[0]: '192.0.2.1/24': has bits set behind its length: "
            "192.0.2.0/24 or 192.0.2.1 is meant\n"
            "deferd.yaml:11:36: relays[0].networks[2]: 'x': not an address or prefix such as 192.0.2.0/24 or 2001:db8::/32\n"
            "deferd.yaml:12:5: relays[1]: unknown key 'nam'; did you mean 'name'?\n"
            "deferd.yaml:12:5: relays[1]: 'networks' is missing\n"
            "deferd.yaml:13:5: relays[2]: must be a map of settings, not a single value\n"
            "deferd.yaml:14:8: quota: must be a map, not a list\n"
            "deferd.yaml:15:7: main: must be a map of settings, not a single value\n");
}

TEST(Schema, ChecksRangesInclusively) {
  EXPECT_EQ(problems_of("grey_expiry: 48h\npass_time: 24h\nport: 1\nshare: 1\n"), "");
  EXPECT_EQ(problems_of("pass_time: 24h1s\nport: 0\nshare: 1.01\n"),
            "deferd.yaml:1:12: pass_time: must be within 0s to 1d\n"
            "deferd.yaml:2:7: port: must be within 1 to 65535\n"
            "deferd.yaml:3:8: share: must be within 0 to 1\n");
}

TEST(Schema, AsksRulesAboutWhatCouldBeRead) {
  EXPECT_EQ(problems_of("grey_expiry: 5m\n"), "deferd.yaml:1:1: pass_time must be shorter than grey_expiry\n");
  EXPECT_EQ(problems_of("grey_expiry: 5m\nport: x\n"), "deferd.yaml:2:7: port: 'x': not a whole number\n");
}

TEST(Schema, WarnsWithoutRefusing) {
  Problems problems;
  read("shadow: on\n", problems);
  EXPECT_EQ(problems.to_string("f"), "f:1:9: warning: shadow: nothing counts\n");
  EXPECT_FALSE(problems.failed());
}

TEST(Schema, NamesWholeSecondsAndEmptySettings) {
  EXPECT_EQ(problems_of("pass_time: 1500ms\ngrey_expiry:\nrelays: 192.0.2.1\n"),
            "deferd.yaml:1:12: pass_time: '1500ms': takes whole seconds\n"
            "deferd.yaml:2:1: grey_expiry: expected duration, found nothing\n"
            "deferd.yaml:3:9: relays: must be a list, not a single value; a list of one is written [x]\n");
}

TEST(Schema, SuggestsOnlyWhatIsNear) {
  const std::vector<std::string_view> known = {"pass_time", "grey_expiry", "to"};
  EXPECT_EQ(detail::unknown_key("pass-time", known), "unknown key 'pass-time'; did you mean 'pass_time'?");
  EXPECT_EQ(detail::unknown_key("apss_time", known), "unknown key 'apss_time'; did you mean 'pass_time'?");
  EXPECT_EQ(detail::unknown_key("greyexpiry", known), "unknown key 'greyexpiry'; did you mean 'grey_expiry'?");
  EXPECT_EQ(detail::unknown_key("pass_time:5m", known), "unknown key 'pass_time:5m'; a blank must follow the colon");
  EXPECT_EQ(detail::unknown_key("x", known), "unknown key 'x'; known here: pass_time, grey_expiry, to");
  EXPECT_EQ(detail::unknown_key("x", {}), "unknown key 'x'");
}

TEST(Schema, KeepsItsReportOnOneLineAndShort) {
  EXPECT_EQ(problems_of("port: \"1\\n\\e[0m\"\n"), "deferd.yaml:1:7: port: '1\\x0a\\x1b[0m': not a whole number\n");
  EXPECT_EQ(problems_of("port: " + std::string(1000, '1') + '\n'),
            "deferd.yaml:1:7: port: '" + std::string(80, '1') + "...': is out of range\n");
  EXPECT_EQ(problems_of("? \"a\\nb\"\n: 1\n").find('\n'), problems_of("? \"a\\nb\"\n: 1\n").size() - 1);
}

TEST(Schema, ReadsNumbersStrictly) {
  for (const std::string_view text : {"", " 1", "1 ", "+1", "1.0", "0x10", "1_000", "--1", "one"})
    EXPECT_EQ(detail::parse_integer(text).error().what, "not a whole number") << text;
  EXPECT_EQ(detail::parse_integer("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(detail::parse_integer("9223372036854775808").error().what, "is out of range");
  for (const std::string_view text : {"", "nan", "inf", "-inf", "1e", "1,5", " 1", "1 ", "+1", "1.5.", "0x10", "0x1p3"})
    EXPECT_EQ(detail::parse_number(text).error().what, "not a number") << text;
  EXPECT_FALSE(detail::parse_number(std::string_view("1\0", 2)));
  EXPECT_EQ(detail::parse_number("-2.5e-1"), -0.25);
  EXPECT_EQ(detail::parse_number("1e999").error().what, "is out of range");
}

TEST(Schema, ReadsTruthAsPeopleWriteIt) {
  for (const std::string_view text : {"yes", "true", "on", "Yes", "TRUE"}) EXPECT_EQ(detail::parse_boolean(text), true) << text;
  for (const std::string_view text : {"no", "false", "off", "No", "False"}) EXPECT_EQ(detail::parse_boolean(text), false) << text;
  for (const std::string_view text : {"", "y", "1", "enabled", "yes "}) EXPECT_FALSE(detail::parse_boolean(text)) << text;
}

TEST(Schema, ThrowsWithEveryProblem) {
  Problems none;
  const auto value = parse_yaml("port: x\nshare: y\n", none);
  ASSERT_TRUE(value);
  try {
    read_or_throw<Config>(*value, "plugins.x");
    FAIL() << "nothing was thrown";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "1:7: plugins.x.port: 'x': not a whole number\n"
                 "2:8: plugins.x.share: 'y': not a number\n");
    EXPECT_EQ(error.problems.list().size(), 2U);
  }
}

TEST(Problems, WithoutAPlaceComeFirst) {
  Problems problems;
  problems.error({2, 1}, "b", "second");
  problems.error({}, {}, "cannot be read");
  problems.error({1, 9}, "a", "first");
  problems.error({2, 1}, "b", "third");
  EXPECT_EQ(problems.to_string("f"), "f: cannot be read\nf:1:9: a: first\nf:2:1: b: second\nf:2:1: b: third\n");
}

}  // namespace
}  // namespace deferd
