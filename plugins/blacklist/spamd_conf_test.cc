#include "spamd_conf.h"

#include <gmock/gmock.h>

#include "deferd/list_message.h"

namespace deferd::blacklist {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SpamdConf : public ::testing::Test {
 protected:
  std::vector<SpamdList> read(std::string_view text) {
    errors.clear();
    return read_spamd_conf(
        text,
        [](const std::string& path) -> Result<std::string> {
          if (path == "/etc/mail/message") return std::string("From a file: \"%A\"\nSecond line\n");
          return fail(Errc::io, path + ": No such file or directory");
        },
        errors);
  }
  /// `a(w) b`: the lists, and what is taken out of each.
  std::string order(std::string_view text) {
    std::string all;
    for (const auto& list : read(text)) {
      all += (all.empty() ? "" : " ") + list.name;
      for (const auto& white : list.excepted) all += "-" + white.name;
    }
    return all;
  }

  const std::string lists = "a:black:msg=\"a\":file=/a:\nb:black:msg=\"b\":file=/b:\nw:white:file=/w:\nv:white:file=/v:\n";
  std::vector<std::string> errors;
};

TEST_F(SpamdConf, ReadsAFileAsItIsShipped) {
  const auto found = read(R"(# spamd.conf
all:\
	:uatraps:override:mine:

# http://www.example.org/traplist.gz
uatraps:\
	:black:\
	:msg="Your address %A has sent mail to a trap\n\
	within the last 24 hours":\
	:method=http:\
	:file=www.example.org/spamd/traplist.gz:

override:\
	:white:\
	:method=file:\
	:file=/var/db/override.txt:

mine:\
	:black:\
	:msg="See https://x.example/?q=%A":\
	:method=exec:\
	:file=/usr/local/bin/mklist -4  now:
)");
  EXPECT_THAT(errors, IsEmpty());
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].name, "uatraps");
  EXPECT_EQ(found[0].source, (SourceSpec{SourceSpec::Kind::url, "http://www.example.org/spamd/traplist.gz", {}}));
  EXPECT_EQ(list_message(found[0].message, *Address::parse("192.0.2.7")),
            "Your address 192.0.2.7 has sent mail to a trap\n\twithin the last 24 hours");
  ASSERT_EQ(found[0].excepted.size(), 1u);
  EXPECT_EQ(found[0].excepted[0].source, (SourceSpec{SourceSpec::Kind::file, "/var/db/override.txt", {}}));
  EXPECT_EQ(found[1].source, (SourceSpec{SourceSpec::Kind::command, "", {"/usr/local/bin/mklist", "-4", "now"}}));
  EXPECT_EQ(found[1].message, "See https://x.example/?q=%A");
  EXPECT_THAT(found[1].excepted, IsEmpty());
}

TEST_F(SpamdConf, TakesAWhiteListOutOfTheBlackOneBeforeItOnly) {
  EXPECT_EQ(order("all:a:w:b:\n" + lists), "a-w b");
  EXPECT_EQ(order("all:a:w:b:w:\n" + lists), "a-w b-w");
  EXPECT_EQ(order("all:a:b:w:v:\n" + lists), "a b-w-v");
  EXPECT_EQ(order("all:w:a:\n" + lists), "a");
}

TEST_F(SpamdConf, TakesTheOrderHoweverItIsWritten) {
  EXPECT_EQ(order("all:a b\tw:\n" + lists), "a b-w");
  EXPECT_EQ(order("all:\\\n\t:b:\\\n\t:a:\n" + lists), "b a");
}

TEST_F(SpamdConf, LetsTheLaterDeliveryOfANameReplaceTheFormer) { EXPECT_EQ(order("all:a:w:b:a:\n" + lists), "b a"); }

TEST_F(SpamdConf, TakesTheMessageOfTheManualAsItGoesOverTheWire) {
  const auto found = read("all:a:\na:black:file=/a:msg=\"Your address %A is listed\\nSee http://x.example/?q=%A\":\n");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].message, R"(Your address %A is listed\nSee http://x.example/?q=%A)");
}

TEST_F(SpamdConf, ReadsAMessageFromAFile) {
  const auto found = read("all:a:\na:black:file=/a:msg=/etc/mail/message:\n");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(list_message(found[0].message, *Address::parse("192.0.2.7")), "From a file: \"192.0.2.7\"\nSecond line");
}

TEST_F(SpamdConf, KeepsColonsOfAnUnquotedValueThatAreWrittenAsEscapes) {
  const auto found = read("all:a:\na:black:msg=\"m\":method=https:file=x.example\\C8443/list:\n");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].source.place, "https://x.example:8443/list");
}

TEST_F(SpamdConf, SaysWhatIsWrongWithWhichRecord) {
  read("x:black:\n");
  EXPECT_THAT(errors, ElementsAre(HasSubstr("no record 'all'")));
  EXPECT_EQ(
      order("all:a:c:d:e:f:g:h:b:\nc:file=/c:\nd:black:file=/d:\ne:black:msg=\"e\":\nf:black:msg=\"f\":file=/f:method=gopher:\n"
            "g:black:msg=/missing:file=/g:\n" +
            lists),
      "a b");
  EXPECT_THAT(errors, ElementsAre("line 2: 'c' is neither black nor white", "line 3: 'd' has no msg=", "line 4: 'e' has no file=",
                                  "line 5: 'f' has the unknown method 'gopher'",
                                  "line 6: 'g' has msg=/missing: /missing: No such file or directory", "there is no record 'h'"));
}

TEST_F(SpamdConf, TakesARecordWithBothFlagsAsBlack) {
  EXPECT_EQ(order("all:a:c:\nc:white:black:msg=\"c\":file=/c:\n" + lists), "a c");
}

}  // namespace
}  // namespace deferd::blacklist
