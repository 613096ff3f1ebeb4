// What is refused, and where.
#include "config.h"

#include "config/yaml.h"
#include "traplist_fixture.h"

namespace deferd::traplist {
namespace {

class TraplistConfig : public ::testing::Test {
 protected:
  /// What is wrong with a configuration, as `deferd -t` prints it.
  std::string wrong(const std::string& yaml) {
    Problems problems;
    const auto value = load_yaml(folder.write("config.yaml", yaml), problems);
    if (value) Config::schema().read(*value, problems);
    return problems.to_string("f");
  }
  Folder folder;
};

TEST_F(TraplistConfig, TakesWhatTheManualShows) {
  folder.write("traps", "a@example.net\n");
  EXPECT_EQ(wrong("addresses: [a@example.net, '@b.example.net', c@]\n"
                  "files: [" +
                  folder.path("traps") +
                  "]\n"
                  "published: [{file: " +
                  folder.path("traps") +
                  ", domains: [example.net]}]\n"
                  "low_priority_mx: {addresses: [192.0.2.2], better: ['192.0.2.1:25', '[2001:db8::1]:25']}\n"
                  "valid_recipients: {files: [" +
                  folder.path("traps") +
                  "], trap_after: 5}\n"
                  "publish: [{file: /var/lib/deferd/traps.txt}]\n"),
            "");
  EXPECT_EQ(wrong("{}"), "");
}

TEST_F(TraplistConfig, RefusesWhatIsNoAddress) {
  EXPECT_EQ(wrong("addresses: [example.net]"), "f:1:13: addresses: 'example.net' has no @: a domain is written @example.org\n");
  EXPECT_NE(wrong("addresses: ['/x/']"), "");
  EXPECT_NE(wrong("allowed_domains: ['a b']"), "");
  EXPECT_NE(wrong("published: [{file: /dev/null, domains: []}]"), "");
  EXPECT_NE(wrong("published: [{file: /dev/null, domains: [a@b]}]"), "");
}

TEST_F(TraplistConfig, RefusesFilesThatCannotBeRead) {
  const auto nowhere = folder.path("nowhere");
  for (const std::string key : {"files", "allowed_domains_files"})
    EXPECT_NE(wrong(key + ": [" + nowhere + "]").find(nowhere), std::string::npos) << key;
  EXPECT_NE(wrong("valid_recipients: {files: [" + nowhere + "]}").find("No such file"), std::string::npos);
  EXPECT_NE(wrong("published: [{file: " + nowhere + ", domains: [a.example]}]").find("No such file"), std::string::npos);
}

TEST_F(TraplistConfig, RefusesAFileOfRecipientsThatHasNone) {
  const auto empty = folder.write("recipients", "# none yet\n\n");
  EXPECT_NE(wrong("valid_recipients: {files: [" + empty + "]}").find("recipients: has no recipient"), std::string::npos);
  EXPECT_EQ(wrong("files: [" + empty + "]"), "");
}

TEST_F(TraplistConfig, WarnsOfLinesThatAreNoAddresses) {
  std::string text = "a@example.net\n";
  for (int i = 0; i < 9; ++i) text += "/pattern/\n";
  const auto said = wrong("files: [" + folder.write("traps", text) + "]");
  EXPECT_NE(said.find("traps:2: '/pattern/' is a pattern"), std::string::npos) << said;
  EXPECT_NE(said.find("9 lines are no addresses"), std::string::npos) << said;
  EXPECT_NE(said.find("warning"), std::string::npos) << said;
}

TEST_F(TraplistConfig, RefusesALowPriorityMxThatCouldTrapTheHonest) {
  EXPECT_NE(wrong("low_priority_mx: {addresses: [192.0.2.2]}"), "");
  EXPECT_NE(wrong("low_priority_mx: {better: ['192.0.2.1:25']}"), "");
  EXPECT_NE(wrong("low_priority_mx: {addresses: [192.0.2.2], better: ['192.0.2.2:25']}"), "");
  EXPECT_NE(wrong("low_priority_mx: {addresses: [192.0.2.2], better: ['192.0.2.1:25'], every: 5m}"), "");
  EXPECT_NE(wrong("low_priority_mx: {addresses: [192.0.2.2], better: ['192.0.2.1:25'], timeout: 20s}"), "");
}

TEST_F(TraplistConfig, RefusesRepliesThatMakeNoSense) {
  EXPECT_NE(wrong("reply: {code: 250}"), "");
  EXPECT_NE(wrong("reply: {code: 421}"), "");
  EXPECT_NE(wrong("reply: {code: 550}"), "");  // with 4.7.1
  EXPECT_EQ(wrong("reply: {code: 550, enhanced: 5.7.1}"), "");
  EXPECT_NE(wrong("reply: {text: ''}"), "");
  EXPECT_NE(wrong("valid_recipients: {trap_after: 3}"), "");
  EXPECT_NE(wrong("valid_recipients: {socketmap: users}"), "");
  EXPECT_NE(wrong("publish: [{file: traps.txt}]"), "");
  EXPECT_NE(wrong("publish: [{file: /traps.txt, table: black}]"), "");
}

}  // namespace
}  // namespace deferd::traplist
