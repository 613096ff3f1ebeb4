// Profile spamd: OpenBSD spamd's greylisting, as seen by a client.
#include "greylist_fixture.h"

namespace deferd::greylist {
namespace {

class SpamdTest : public GreylistTest {
 protected:
  SpamdTest() {
    Config config;
    config.profile = "spamd";
    configure(config);
  }
  bool passes_as(std::string_view helo, std::string_view client = "192.0.2.7", std::string from = kFrom,
                 const std::string& to = kTo) {
    auto context = session(client, std::move(from));
    context.session().helo = helo;
    return plugin->on_rcpt(context, to).action == Action::pass;
  }
};

TEST_F(SpamdTest, TheRetryThatPassesStillHears451) {
  attempt("192.0.2.7");
  after(25min + 1s);
  const auto verdict = attempt("192.0.2.7");
  EXPECT_EQ(verdict.action, Action::defer);
  EXPECT_EQ(verdict.reply.code, 451);
  EXPECT_TRUE(white_row("192.0.2.7"));
  EXPECT_TRUE(passes("192.0.2.7", "other@example.org", "other@example.net"));
  EXPECT_EQ(answers("matured"), 1U);
}

TEST_F(SpamdTest, ARetryAtExactlyPasstimeIsTooEarly) {
  attempt("192.0.2.7");
  after(25min);
  attempt("192.0.2.7");
  EXPECT_FALSE(white_row("192.0.2.7"));
  after(1s);
  attempt("192.0.2.7");
  EXPECT_TRUE(white_row("192.0.2.7"));
}

TEST_F(SpamdTest, TheWindowIsFixedFromTheFirstTry) {
  attempt("192.0.2.7");
  after(10min);
  attempt("192.0.2.7");
  after(4h - 10min);
  attempt("192.0.2.7");
  EXPECT_FALSE(white_row("192.0.2.7"));
  after(25min + 1s);
  attempt("192.0.2.7");
  EXPECT_TRUE(white_row("192.0.2.7"));
}

TEST_F(SpamdTest, TheLastSecondOfTheWindowCounts) {
  attempt("192.0.2.7");
  after(4h - 1s);
  attempt("192.0.2.7");
  EXPECT_TRUE(white_row("192.0.2.7"));
}

TEST_F(SpamdTest, WhiteLasts36Days) {
  attempt("192.0.2.7");
  after(26min);
  attempt("192.0.2.7");
  EXPECT_EQ(white_row("192.0.2.7")->expires, host.clock().now() + 864h);
}

TEST_F(SpamdTest, ComparesByteForByte) {
  passes_as("mail.example.org");
  after(26min);
  passes_as("Mail.example.org");
  passes_as("mail.example.org", "192.0.2.8");
  passes_as("mail.example.org", "192.0.2.7", "A@example.org");
  passes_as("mail.example.org", "192.0.2.7", kFrom, "B@example.net");
  EXPECT_EQ(answers("new"), 5U);
  EXPECT_FALSE(white_row("192.0.2.7"));
  passes_as("mail.example.org");
  EXPECT_TRUE(white_row("192.0.2.7"));
}

TEST_F(SpamdTest, EarlyRetriesOnlyCount) {
  attempt("192.0.2.7");
  for (int i = 0; i < 4; ++i) {
    after(5min);
    attempt("192.0.2.7");
  }
  const auto rows = *command("list-grey", {});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].find("tries")->integer(), 5);
  EXPECT_EQ(rows[0].find("helo")->text(), "mail.example.org");
  after(5min + 1s);
  attempt("192.0.2.7");
  EXPECT_TRUE(white_row("192.0.2.7"));
}

TEST_F(SpamdTest, ATrappedHostsTuplesDoNotPass) {
  attempt("192.0.2.7");
  put(kTrapped, "192.0.2.7", "operator", 1h);
  after(30min);
  attempt("192.0.2.7");
  EXPECT_FALSE(white_row("192.0.2.7"));
  after(30min);
  attempt("192.0.2.7");
  EXPECT_TRUE(white_row("192.0.2.7"));
}

TEST_F(SpamdTest, AListedHostsTupleIsDroppedWhenItWouldPass) {
  attempt("192.0.2.7");
  after(26min);
  tags = {"listed"};
  attempt("192.0.2.7");
  EXPECT_FALSE(white_row("192.0.2.7"));
  tags = {};
  attempt("192.0.2.7");
  EXPECT_EQ(answers("new"), 2U);
}

TEST_F(SpamdTest, ADeletedHostStartsAnew) {
  attempt("192.0.2.7");
  after(26min);
  attempt("192.0.2.7");
  erase_white("192.0.2.7");
  attempt("192.0.2.7");
  EXPECT_FALSE(white_row("192.0.2.7"));
}

TEST_F(SpamdTest, NothingShortensTheWaiting) {
  for (int i = 0; i < 8; ++i) {
    attempt("192.0.2." + std::to_string(i));
    after(20min);
    EXPECT_FALSE(white_row("192.0.2." + std::to_string(i)));
  }
  EXPECT_EQ(answers("new"), 8U);
}

TEST_F(SpamdTest, AReleasedTuplePassesAtOnce) {
  attempt("192.0.2.7");
  ASSERT_TRUE(command("release", {{"client", "192.0.2.7"}, {"helo", "mail.example.org"}, {"from", kFrom}, {"to", kTo}}));
  EXPECT_FALSE(passes_as("other.example.org"));
  EXPECT_TRUE(passes("192.0.2.7"));
}

TEST_F(SpamdTest, CanBeChosenByARule) {
  configure({});
  tags = {"greylist.profile=spamd"};
  attempt("192.0.2.7");
  after(20min);
  EXPECT_FALSE(passes("192.0.2.7"));
  after(6min);
  EXPECT_FALSE(passes("192.0.2.7"));
  EXPECT_TRUE(passes("192.0.2.7"));
}

TEST_F(SpamdTest, ItsTimesCanBeSet) {
  Config config;
  config.profile = "spamd";
  config.profiles = {{"spamd", {.pass_time = 10min, .grey_expiry = {}, .white_expiry = {}, .max_wait = {}}}};
  configure(config);
  attempt("192.0.2.7");
  after(10min + 1s);
  attempt("192.0.2.7");
  EXPECT_TRUE(passes("192.0.2.7"));
}

}  // namespace
}  // namespace deferd::greylist
