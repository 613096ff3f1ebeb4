#include "deferd/matchlist.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace deferd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Written for these tests after what postgrey(8) documents under "Whitelists".
constexpr std::string_view kClients = R"(# clients that retry badly
# 2026-01-01: Example News (no retry)
news.example.org
.pool.example.net          # only its sub-domains
*.star.example.net

192.0.2.17
198.51.100
203.0
192.0.2.130/25
2001:db8:7::/48
2001:db8::25
/^smtp\d+-out\.example\.com$/   # numbered
/^mx#[12]\.example\.com$/
/^10\.9\./
)";

constexpr std::string_view kRecipients = R"(postmaster@
abuse@
eager@example.org
example.net
@only.example.com
/^list-.*@lists\.example\.org$/
)";

template <class List>
class Loaded {
 public:
  explicit Loaded(std::string_view text) : list_(read_list<List>(text, "test", errors)) {}
  const List* operator->() const { return list_.get(); }
  std::vector<std::string> errors;

 private:
  std::shared_ptr<const List> list_;
};

std::uint32_t host_line(std::string_view address, std::string_view name = {}) {
  static const Loaded<HostList> list(kClients);
  EXPECT_THAT(list.errors, IsEmpty());
  const auto hit = list->find(*Address::parse(address), name);
  return hit ? hit->line : 0;
}

std::uint32_t mail_line(std::string_view address) {
  static const Loaded<MailList> list(kRecipients);
  EXPECT_THAT(list.errors, IsEmpty());
  const auto hit = list->find(address);
  return hit ? hit->line : 0;
}

TEST(HostListTest, ADomainCoversItselfAndWhatIsBelow) {
  EXPECT_EQ(host_line("10.0.0.1", "news.example.org"), 3u);
  EXPECT_EQ(host_line("10.0.0.1", "a.b.news.example.org"), 3u);
  EXPECT_EQ(host_line("10.0.0.1", "News.Example.ORG."), 3u);
  EXPECT_EQ(host_line("10.0.0.1", "fakenews.example.org"), 0u);
  EXPECT_EQ(host_line("10.0.0.1", "example.org"), 0u);
  EXPECT_EQ(host_line("10.0.0.1", "news.example.org.evil.example"), 0u);
}

TEST(HostListTest, ALeadingDotCoversOnlyWhatIsBelow) {
  EXPECT_EQ(host_line("10.0.0.1", "a.pool.example.net"), 4u);
  EXPECT_EQ(host_line("10.0.0.1", "pool.example.net"), 0u);
  EXPECT_EQ(host_line("10.0.0.1", "a.star.example.net"), 5u);
  EXPECT_EQ(host_line("10.0.0.1", "star.example.net"), 0u);
}

TEST(HostListTest, FindsAddressesAndPrefixesOfBothFamilies) {
  EXPECT_EQ(host_line("192.0.2.17"), 7u);
  EXPECT_EQ(host_line("192.0.2.18"), 0u);
  EXPECT_EQ(host_line("198.51.100.255"), 8u);
  EXPECT_EQ(host_line("198.51.101.1"), 0u);
  EXPECT_EQ(host_line("203.0.113.9"), 9u);
  EXPECT_EQ(host_line("192.0.2.129"), 10u) << "host bits of a prefix in a file are cleared";
  EXPECT_EQ(host_line("192.0.2.127"), 0u);
  EXPECT_EQ(host_line("2001:db8:7:ffff::1"), 11u);
  EXPECT_EQ(host_line("2001:db8::25"), 12u);
  EXPECT_EQ(host_line("2001:db8::26"), 0u);
  EXPECT_EQ(host_line("::ffff:192.0.2.17"), 7u) << "a mapped address is the IPv4 address";
}

TEST(HostListTest, LooksForExpressionsInNameAndAddress) {
  EXPECT_EQ(host_line("10.0.0.1", "SMTP12-out.example.com"), 13u);
  EXPECT_EQ(host_line("10.0.0.1", "smtp-out.example.com"), 0u);
  EXPECT_EQ(host_line("10.0.0.1", "mx#2.example.com"), 14u);
  EXPECT_EQ(host_line("10.9.0.1", "whatever.example"), 15u);
}

TEST(HostListTest, TheNarrowestPrefixIsNamed) {
  HostList list;
  ASSERT_TRUE(list.add("10.0.0.0/8", 1) && list.add("10.1.0.0/16", 2) && list.add("10.1.1.0/24", 3) && list.add("::/0", 4));
  EXPECT_EQ(list.find(*Address::parse("10.1.1.1"), "")->entry, "10.1.1.0/24");
  EXPECT_EQ(list.find(*Address::parse("10.1.2.1"), "")->entry, "10.1.0.0/16");
  EXPECT_EQ(list.find(*Address::parse("10.2.2.1"), "")->line, 1u);
  EXPECT_EQ(list.find(*Address::parse("2001:db8::1"), "")->entry, "::/0");
  EXPECT_FALSE(list.find(*Address::parse("11.0.0.1"), ""));
}

TEST(HostListTest, FindsOneOfAHundredThousandPrefixes) {
  PrefixList set;
  for (std::uint32_t i = 0; i < 100'000; ++i) set.add(Prefix(Address::v4(0x0a000000 + i * 16), 28), i + 1);
  EXPECT_EQ(set.size(), 100'000u);
  EXPECT_EQ(set.find(Address::v4(0x0a000000 + 77'777 * 16 + 15))->line, 77'778u);
  EXPECT_FALSE(set.find(Address::v4(0x09ffffff)));
}

TEST(MailListTest, AUserIsFoundInWhateverDomain) {
  EXPECT_EQ(mail_line("postmaster@example.com"), 1u);
  EXPECT_EQ(mail_line("PostMaster@Example.COM"), 1u);
  EXPECT_EQ(mail_line("postmaster"), 1u) << "without a domain: RFC 5321 section 4.5.1";
  EXPECT_EQ(mail_line("abuse+report@example.com"), 2u);
  EXPECT_EQ(mail_line("\"abuse\"@example.com"), 2u) << "the same mailbox in quotes";
  EXPECT_EQ(mail_line("notabuse@example.com"), 0u);
}

TEST(MailListTest, AnAddressIsFoundWithExtensionsToo) {
  EXPECT_EQ(mail_line("eager@example.org"), 3u);
  EXPECT_EQ(mail_line("Eager+news@example.org."), 3u);
  EXPECT_EQ(mail_line("eager@sub.example.org"), 0u);
  EXPECT_EQ(mail_line("eager@example.com"), 0u);
  EXPECT_EQ(mail_line("eagerly@example.org"), 0u);
}

TEST(MailListTest, ADomainCoversItsSubDomainsUnlessItBeginsWithAnAt) {
  EXPECT_EQ(mail_line("a@example.net"), 4u);
  EXPECT_EQ(mail_line("a@b.c.example.net"), 4u);
  EXPECT_EQ(mail_line("a@notexample.net"), 0u);
  EXPECT_EQ(mail_line("a@only.example.com"), 5u);
  EXPECT_EQ(mail_line("a@sub.only.example.com"), 0u);
  EXPECT_EQ(mail_line("example.net"), 0u) << "a user of that name is no domain";
  EXPECT_EQ(mail_line("\"a@example.net\"@example.com"), 0u);
}

TEST(MailListTest, LooksForExpressionsInTheWholeAddress) {
  EXPECT_EQ(mail_line("LIST-a@lists.example.org"), 6u);
  EXPECT_EQ(mail_line("list-a@lists.example.com"), 0u);
}

TEST(MailListTest, TheNullSenderIsWrittenAsAnEmptyPath) {
  MailList list;
  ASSERT_TRUE(list.add("<>", 4));
  EXPECT_EQ(list.find("")->line, 4u);
  EXPECT_FALSE(list.find("a@example.org"));
  EXPECT_EQ(mail_line(""), 0u);
}

TEST(MatchListTest, NothingMatchesWhatIsTooLongOrHasANul) {
  HostList hosts;
  MailList mail;
  ASSERT_TRUE(hosts.add("example.org") && hosts.add("/./") && mail.add("example.org") && mail.add("/./"));
  const std::string label(kMaxSubject - std::string_view(".example.org").size(), 'a');
  EXPECT_TRUE(hosts.find(Address(), label + ".example.org"));
  NameList names;
  ASSERT_TRUE(names.add("/./"));
  EXPECT_TRUE(names.find(std::string(kMaxSubject, 'a')));
  EXPECT_FALSE(names.find(std::string(kMaxSubject + 1, 'a')));
  EXPECT_FALSE(mail.find(std::string(kMaxSubject, 'a') + "@example.org"));
  EXPECT_FALSE(mail.find(std::string_view("a\0@example.org", 14)));
}

TEST(MatchListTest, EveryWrongLineIsReportedWithItsPlace) {
  const Loaded<HostList> hosts(
      "good.example\n192.0.2.256\n192.0.2.0/33\n/unclosed\n/a(/\nno spaces\n192.0.2.1.1\n010.0.0.1\n2001:db8::g\n");
  EXPECT_THAT(hosts.errors,
              ElementsAre(HasSubstr("test:2: '192.0.2.256'"), HasSubstr("test:3:"), HasSubstr("test:4: '/unclosed'"),
                          HasSubstr("test:5: '/a(/': a ( is not closed"), HasSubstr("test:6: 'no spaces'"), HasSubstr("test:7:"),
                          HasSubstr("test:8:"), HasSubstr("test:9:")));
  EXPECT_EQ(hosts->size(), 1u);
  const Loaded<MailList> mail("@\na b@\nuser@exa mple\n<a@b>\n..\na@b@example.org\n");
  EXPECT_EQ(mail.errors.size(), 6u);
}

TEST(MatchListTest, AFileOfAnotherKindGivesNoFloodOfErrors) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "not a list\n";
  const Loaded<HostList> list(text);
  EXPECT_EQ(list.errors.size(), 21u);
  EXPECT_EQ(list.errors.back(), "test: and 980 more");
}

TEST(MatchListTest, TakesFilesAsEditorsWriteThem) {
  const Loaded<HostList> list(
      "\xEF\xBB\xBF"
      "one.example\r\n\t two.example \r\n192.0.2.1#comment\r\nlast.example");
  EXPECT_THAT(list.errors, IsEmpty());
  EXPECT_EQ(list->size(), 4u);
  EXPECT_EQ(list->find(Address(), "last.example")->line, 4u);
}

TEST(MatchListTest, AFileThatCannotBeReadIsNamed) {
  std::vector<std::string> errors;
  const auto missing = load_list<HostList>("/nonexistent/clients", errors);
  EXPECT_EQ(missing->size(), 0u);
  load_list<MailList>(std::filesystem::temp_directory_path().string(), errors);
  EXPECT_THAT(errors, ElementsAre("/nonexistent/clients: cannot be read", HasSubstr(": cannot be read")));
}

TEST(MatchListTest, ReadsAFile) {
  const auto path = std::filesystem::path(testing::TempDir()) / ("matchlist-" + std::to_string(::getpid()));
  std::ofstream(path) << kRecipients;
  std::vector<std::string> errors;
  const auto list = load_list<MailList>(path.string(), errors);
  std::filesystem::remove(path);
  EXPECT_THAT(errors, IsEmpty());
  EXPECT_EQ(list->size(), 6u);
}

}  // namespace
}  // namespace deferd
