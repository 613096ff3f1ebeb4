#include "config.h"

#include <gmock/gmock.h>

#include "config/yaml.h"
#include "plan.h"
#include "testing_support.h"

namespace deferd::blacklist {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class BlacklistConfig : public ::testing::Test {
 protected:
  Config read(const std::string& yaml) {
    problems = {};
    const auto value = parse_yaml(yaml, problems);
    return value ? Config::schema().read(*value, problems) : Config{};
  }
  std::string complaints(const std::string& yaml) {
    read(yaml);
    return problems.to_string("deferd.yaml");
  }
  /// A list with the settings.
  std::string complaints_of_list(const std::string& settings) { return complaints("lists: [{name: a, " + settings + "}]"); }
  /// `a-w-v b`: the lists in the order asked, and what is taken out of each.
  std::string order(const std::string& yaml) {
    const auto config = read(yaml);
    EXPECT_THAT(problems.list(), IsEmpty()) << problems.to_string("deferd.yaml");
    std::vector<std::string> errors;
    const auto plan = make_plan(config, errors);
    EXPECT_THAT(errors, IsEmpty());
    std::string all;
    for (const auto& listing : plan.listings) {
      all += (all.empty() ? "" : " ") + plan.feeds[listing.feed].name;
      for (const auto white : listing.excepted) all += "-" + plan.feeds[white].name;
    }
    return all;
  }

  TestFolder folder;
  Problems problems;
};

TEST_F(BlacklistConfig, ReadsAListOfEachKind) {
  const auto config = read(R"(lists:
  - {name: one, file: /etc/deferd/black}
  - {name: two, url: "https://lists.example.org/two.gz", every: 2h, max_age: 2d, action: reject, message: 'No, %A', tags: [mine]}
  - {name: three, exec: [/usr/local/bin/mklist, -4]}
  - {name: four, entries: [192.0.2.0/24, "198.51.100.1 - 198.51.100.9"]}
)");
  EXPECT_EQ(problems.to_string("deferd.yaml"), "");
  std::vector<std::string> errors;
  const auto plan = make_plan(config, errors);
  ASSERT_EQ(plan.feeds.size(), 4u);
  EXPECT_EQ(plan.feeds[0].source, (SourceSpec{SourceSpec::Kind::file, "/etc/deferd/black", {}}));
  EXPECT_EQ(plan.feeds[0].every, 1min);
  EXPECT_EQ(plan.feeds[1].source, (SourceSpec{SourceSpec::Kind::url, "https://lists.example.org/two.gz", {}}));
  EXPECT_EQ(plan.feeds[1].every, 2h);
  EXPECT_EQ(plan.listings[1].action, ListAction::reject);
  EXPECT_EQ(plan.listings[1].message, "No, %A");
  EXPECT_THAT(plan.listings[1].tags, ElementsAre("mine"));
  EXPECT_EQ(plan.feeds[2].source, (SourceSpec{SourceSpec::Kind::command, "", {"/usr/local/bin/mklist", "-4"}}));
  EXPECT_EQ(plan.feeds[2].every, 1h);
  EXPECT_EQ(plan.feeds[3].every, 0s);
  EXPECT_EQ(plan.listings[3].action, ListAction::defer);
}

TEST_F(BlacklistConfig, TakesAWhiteListOutOfAllListsOrOfSome) {
  const std::string white = "{name: w, white: yes, entries: [192.0.2.1]}";
  const std::string some = "{name: v, white: yes, only: [b], entries: [192.0.2.2]}";
  EXPECT_EQ(order("lists: [{name: a, entries: [192.0.2.0/24]}, " + white + ", {name: b, entries: [192.0.2.0/24]}, " + some + "]"),
            "a-w b-w-v");
}

TEST_F(BlacklistConfig, PutsTheListsOfSpamdConfBehindItsOwn) {
  const auto conf =
      folder.write("spamd.conf", "all:s:sw:t:sw:\ns:black:msg=\"s\":file=/s:\nt:black:msg=\"t\":file=/t:\nsw:white:file=/sw:\n");
  EXPECT_EQ(
      order("spamd_conf: " + conf + "\nlists: [{name: a, entries: [192.0.2.1]}, {name: w, white: yes, entries: [192.0.2.2]}]"),
      "a-w s-w-sw t-w-sw");
}

TEST_F(BlacklistConfig, SaysWhereSpamdConfIsWrong) {
  EXPECT_THAT(complaints("spamd_conf: /no/such/spamd.conf"),
              HasSubstr("deferd.yaml:1:13: spamd_conf: /no/such/spamd.conf: No such file or directory"));
  const auto conf = folder.write("spamd.conf", "all:a:b:\na:black:file=/a:\nb:black:msg=\"b\":file=/b:\n");
  EXPECT_THAT(complaints("spamd_conf: " + conf), HasSubstr(conf + ": line 2: 'a' has no msg="));
  EXPECT_THAT(complaints("spamd_conf: " + folder.write("spamd.conf", "all:b:\nb:black:msg=\"b\":file=/b:\n") +
                         "\nlists: [{name: b, entries: [192.0.2.1]}]"),
              HasSubstr("'b' is also a list of 'lists'"));
  EXPECT_THAT(complaints("spamd_conf: " + folder.write("spamd.conf", "all:port.b:\nport.b:black:msg=\"b\":file=/b:\n")),
              HasSubstr("'port.b': names must not begin with 'port.'"));
}

TEST_F(BlacklistConfig, RefusesWhatCannotBeMeant) {
  EXPECT_THAT(complaints("lists: [{file: /a}]"), HasSubstr("'name' is missing"));
  EXPECT_THAT(complaints("lists: [{name: a/b, file: /a}]"), HasSubstr("must be letters, digits"));
  EXPECT_THAT(complaints("lists: [{name: port.a, file: /a}]"), HasSubstr("must not begin with 'port.'"));
  EXPECT_THAT(complaints("lists: [{name: a, file: /a}, {name: a, file: /b}]"), HasSubstr("there is another list 'a'"));
  EXPECT_THAT(complaints_of_list("white: no"), HasSubstr("needs one of 'file', 'url', 'exec' and 'entries'"));
  EXPECT_THAT(complaints_of_list("file: /a, url: 'https://x.example/a'"), HasSubstr("needs one of"));
  EXPECT_THAT(complaints_of_list("url: 'file:///etc/passwd'"), HasSubstr("must begin with https://"));
  EXPECT_THAT(complaints_of_list("url: 'https://'"), HasSubstr("must begin with https://"));
  EXPECT_THAT(complaints_of_list("exec: ['']"), HasSubstr("the first word is the program"));
  EXPECT_THAT(complaints_of_list("entries: [192.0.2.0/24, 0.0.0.0/0]"),
              HasSubstr("deferd.yaml:1:43: lists[0].entries: '0.0.0.0/0' would list every"));
  EXPECT_THAT(complaints_of_list("entries: [192.0.2.7/24]"), HasSubstr("taken as 192.0.2.0/24"));
  EXPECT_THAT(complaints_of_list("file: /a, message: ''"), HasSubstr("message: is empty"));
  EXPECT_THAT(complaints_of_list("file: /a, message: \"a\\tb\""), HasSubstr("has control characters"));
  EXPECT_THAT(complaints_of_list("file: /a, message: " + std::string(401, 'x')), HasSubstr("has a line that is too long"));
  EXPECT_THAT(complaints_of_list("file: /a, tags: ['two words']"), HasSubstr("a tag is a word"));
  EXPECT_THAT(complaints_of_list("file: /a, every: 10s"), HasSubstr("every: must be within 1m to 30d"));
  EXPECT_THAT(complaints_of_list("file: /a, every: 8d"), HasSubstr("max_age: must be at least twice 'every', which is 8d"));
  EXPECT_THAT(complaints_of_list("url: 'https://x.example/a', max_age: 90m"), HasSubstr("which is 1h"));
  EXPECT_THAT(complaints_of_list("exec: [a], max_age: 90m"), HasSubstr("which is 1h"));
  EXPECT_THAT(complaints_of_list("file: /a, max_age: 90s"), HasSubstr("which is 1m"));
  EXPECT_EQ(complaints_of_list("file: /a, max_age: 2m"), "");
  EXPECT_EQ(complaints_of_list("file: /a, every: 30d, max_age: 0s"), "");
  EXPECT_EQ(complaints_of_list("entries: [192.0.2.1], max_age: 1s"), "");
  EXPECT_THAT(complaints_of_list("file: /a, min_entries: 5, max_entries: 4"), HasSubstr("must be at most 'max_entries'"));
  EXPECT_THAT(complaints_of_list("file: /a, sha256: abc"), HasSubstr("must be 64 hex digits"));
  EXPECT_THAT(complaints_of_list("file: /a, white: yes, action: reject"), HasSubstr("action: has no use for a white list"));
  EXPECT_THAT(complaints_of_list("file: /a, only: [b]"), HasSubstr("only: has use for a white list only"));
  EXPECT_THAT(complaints_of_list("file: /a, white: yes, only: [a]"),
              HasSubstr("'a' is no list that it could be subtracted from"));
  EXPECT_THAT(complaints("config_port: 0.0.0.0:8026"), HasSubstr("config_port: must be a loopback address"));
  EXPECT_THAT(complaints("{keep: lists, lists: [{name: a, file: /a}]}"), HasSubstr("keep: must be an absolute path"));
  EXPECT_THAT(complaints("{}"), HasSubstr("has no lists"));
}

}  // namespace
}  // namespace deferd::blacklist
