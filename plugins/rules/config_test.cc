#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "from_yaml.h"

namespace deferd::rules {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::string complaint(std::string_view rules) { return read("rules:\n- " + std::string(rules)).text(); }

TEST(RulesConfigTest, WhatIsRightIsNotComplainedAbout) {
  EXPECT_EQ(read("").text(), "");
  EXPECT_EQ(read("rules: [{do: accept}]").text(), "");
  EXPECT_EQ(
      complaint(
          "{client: [10.0.0.0/8], client_name: [a.example], helo: ['/x/'], from: ['<>'], to: [postmaster@], tls: yes, auth: no, "
          "tagged: [a], time: [Mon], unless: {client: [10.1.0.0/16]}, do: defer, reply: {code: 450, enhanced: 4.7.0, text: 'a'}, "
          "tags: [b], set: {c: d}, name: n}"),
      "");
}

TEST(RulesConfigTest, EveryProblemIsReportedAtItsPlace) {
  const auto text = read(
                        "rules:\n"
                        "- {client: [192.0.2.7/24], do: accept}\n"
                        "- {helo: ['a b'], do: accept}\n"
                        "- {to: [a@b@], do: perhaps}\n"
                        "- {form: [a@example.org], do: accept}\n"
                        "- {time: ['25:00-26:00']}\n")
                        .text();
  EXPECT_THAT(text, HasSubstr("conf:2:13: rules[0].client[0]: "));
  EXPECT_THAT(text, HasSubstr("conf:3:11: rules[1].helo[0]: 'a b': is no domain"));
  EXPECT_THAT(text, HasSubstr("conf:4:9: rules[2].to[0]: 'a@b@': is no mail address"));
  EXPECT_THAT(text, HasSubstr("conf:4:20: rules[2].do: 'perhaps' is none of accept | defer | reject | pass | tag | set"));
  EXPECT_THAT(text, HasSubstr("conf:5:4: rules[3]: unknown key 'form'; did you mean 'from'?"));
  EXPECT_THAT(text, HasSubstr("conf:6:11: rules[4].time[0]: '25:00-26:00': not a time"));
  EXPECT_THAT(text, HasSubstr("rules[4]: 'do' is missing"));
}

TEST(RulesConfigTest, AWrongExpressionSaysWhatIsWrongWithIt) {
  EXPECT_THAT(complaint("{helo: ['/a(/'], do: accept}"), HasSubstr("'/a(/': a ( is not closed"));
  EXPECT_THAT(complaint("{from: ['/a'], do: accept}"), HasSubstr("without its closing /"));
}

// Left out, a condition asks for nothing; left empty it would do the same by mistake.
TEST(RulesConfigTest, AnEmptyConditionIsRefused) {
  EXPECT_THAT(complaint("{to: [], do: accept}"), HasSubstr("conf:2:8: rules[0].to: is empty"));
  EXPECT_THAT(complaint("{tls: , do: accept}"), HasSubstr("rules[0].tls: is empty"));
  EXPECT_THAT(complaint("{unless: {}, do: accept}"), HasSubstr("rules[0].unless: is empty"));
  EXPECT_THAT(complaint("{unless: {from: []}, do: accept}"), HasSubstr("rules[0].unless.from: is empty"));
}

TEST(RulesConfigTest, ARuleThatOnlyTagsNeedsTags) {
  EXPECT_THAT(complaint("{do: tag}"), HasSubstr("rules[0]: 'do: tag' needs 'tags'"));
  EXPECT_THAT(complaint("{do: set, tags: [a]}"), HasSubstr("rules[0]: 'do: set' needs 'set'"));
  EXPECT_THAT(complaint("{do: tag, tags: ['a b']}"), HasSubstr("rules[0].tags: 'a b': a tag is a word"));
  EXPECT_THAT(complaint("{do: set, set: {'a=b': c}}"), HasSubstr("rules[0].set: 'a=b': a parameter is NAME: VALUE"));
}

TEST(RulesConfigTest, AReplyMustFitWhatIsDone) {
  EXPECT_THAT(complaint("{do: accept, reply: {code: 250}}"), HasSubstr("rules[0].reply: has no use"));
  EXPECT_THAT(complaint("{do: defer, reply: {code: 550}}"), HasSubstr("rules[0].reply.code: a deferral is 400 to 499"));
  EXPECT_THAT(complaint("{do: defer, reply: {code: 421}}"), HasSubstr("not 421, which hangs up"));
  EXPECT_THAT(complaint("{do: reject, reply: {code: 450}}"), HasSubstr("a rejection is 500 to 599"));
  for (const char* bad : {"4.7.1", "5.7", "5.7.1.1", "5..1", "5.7.", "5.7777.1", "55.7.1", "5.7.x", "x"})
    EXPECT_THAT(complaint("{do: reject, reply: {enhanced: '" + std::string(bad) + "'}}"),
                HasSubstr("enhanced status code such as 5.7.1"))
        << bad;
  EXPECT_EQ(complaint("{do: reject, reply: {code: 554, enhanced: 5.70.123, text: \"one\\ntwo\"}}"), "");
  EXPECT_THAT(complaint("{do: defer, reply: {text: \"a\\rb\"}}"), HasSubstr("control characters"));
  EXPECT_THAT(complaint("{do: defer, reply: {text: " + std::string(401, 'a') + "}}"), HasSubstr("too long"));
}

TEST(RulesConfigTest, NamesAreGivenOnce) {
  EXPECT_THAT(read("rules:\n- {name: a, to: [x@], do: accept}\n- {name: a, do: accept}\n").text(),
              HasSubstr("conf:3:10: rules[1].name: the rule in line 2 has the same name"));
}

TEST(RulesConfigTest, AnUnknownListIsReportedWithTheOneMeant) {
  const ListFile file("192.0.2.1\n");
  const auto text =
      read("lists: {partners: {clients: [" + file.path() + "]}}\nrules:\n- {client_list: [partner], do: accept}\n").text();
  EXPECT_THAT(text, HasSubstr("conf:3:18: rules[0].client_list: unknown list 'partner'; did you mean 'partners'?"));
}

TEST(RulesConfigTest, AListIsAskedOnlyAboutItsOwnKind) {
  const ListFile file("192.0.2.1\n");
  const auto text = read("lists: {l: {clients: [" + file.path() + "]}}\nrules:\n- {unless: {to_list: [l]}, do: accept}\n").text();
  EXPECT_THAT(text, HasSubstr("rules[0].unless.to_list: list 'l' is one of clients, not of mail addresses"));
}

TEST(RulesConfigTest, AListIsOfOneKind) {
  const ListFile file("192.0.2.1\n");
  EXPECT_THAT(read("lists: {l: {}}").text(), HasSubstr("lists.l: needs either 'clients' or 'mail'"));
  EXPECT_THAT(read("lists: {l: {clients: [" + file.path() + "], mail: [" + file.path() + "]}}").text(),
              HasSubstr("needs either"));
}

TEST(RulesConfigTest, AMissingFileIsNamed) {
  EXPECT_THAT(read("lists:\n  l: {clients: [/nonexistent/list]}\nrules: [{client_list: [l], do: accept}]").text(),
              HasSubstr("conf:2:17: lists.l.clients: /nonexistent/list: cannot be read"));
}

TEST(RulesConfigTest, AWrongLineOfAListIsNamed) {
  const ListFile file("good.example\n192.0.2.300\n");
  EXPECT_THAT(read("lists: {l: {clients: [" + file.path() + "]}}\nrules: [{client_list: [l], do: accept}]").text(),
              HasSubstr(file.path() + ":2: '192.0.2.300': is no address"));
}

TEST(RulesConfigTest, EmptyAndUnusedListsAreWarnedOf) {
  const ListFile file("# nothing yet\n");
  const auto result = read("lists: {l: {mail: [" + file.path() + "]}}\nrules: []");
  EXPECT_FALSE(result.problems.failed());
  EXPECT_THAT(result.text(), HasSubstr("warning: lists.l.mail: has no entries"));
  EXPECT_THAT(result.text(), HasSubstr("warning: lists.l: no rule asks for this list"));
}

TEST(RulesConfigTest, RulesThatCanNeverMatchAreWarnedOfAtTheirPlace) {
  const auto result = read("rules:\n- {name: all, do: defer}\n- {to: [postmaster@], do: accept}\n");
  EXPECT_FALSE(result.problems.failed());
  EXPECT_EQ(result.text(), "conf:3:3: warning: rules[1]: can never match: rule 'all' (line 2) above it matches all of that\n");
}

}  // namespace
}  // namespace deferd::rules
