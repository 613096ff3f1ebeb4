// Files of trap addresses, published lists, and files of recipients.
#include "traplist_fixture.h"

namespace deferd::traplist {
namespace {

TEST(Fold, MakesOneOfWhatIsOneToPeople) {
  EXPECT_EQ(fold("Bert@Example.NET."), "bert@example.net");
  EXPECT_EQ(fold("<@a.example,@b.example:Bert@example.net>"), "bert@example.net");
  EXPECT_EQ(fold("@example.net"), "@example.net");
  EXPECT_EQ(fold(""), "");
  EXPECT_EQ(fold("<>"), "");
  EXPECT_EQ(fold(std::string(2000, 'a')).size(), kAddressMax);
  EXPECT_EQ(local_part("\"a@b\"@example.net"), "\"a@b\"");
  EXPECT_EQ(domain_of("\"a@b\"@example.net"), "example.net");
  EXPECT_EQ(domain_of("bert"), "");
}

TEST(AddressSet, HoldsWhatWasAddedAndNothingElse) {
  AddressSet set;
  for (int i = 0; i < 100'000; ++i) set.add("user" + std::to_string(i) + "@example.net");
  set.add("user7@example.net");
  set.seal();
  EXPECT_EQ(set.size(), 100'000u);
  for (int i = 0; i < 100'000; ++i) {
    EXPECT_TRUE(set.contains("user" + std::to_string(i) + "@example.net"));
    EXPECT_FALSE(set.contains("user" + std::to_string(i) + "@example.com"));
  }
  EXPECT_LE(set.bytes(), 100'000u * 9);
  EXPECT_FALSE(AddressSet().contains(""));
}

class FilesTest : public TraplistTest {
 protected:
  std::vector<std::pair<std::size_t, std::string>> words_of(std::string_view text) {
    std::vector<std::pair<std::size_t, std::string>> words;
    or_throw(read_address_file(folder.write("words", text),
                               [&](std::string_view word, std::size_t line) { words.emplace_back(line, word); }));
    return words;
  }
};

TEST_F(FilesTest, ReadsTheFirstWordOfEachLine) {
  const std::vector<std::pair<std::size_t, std::string>> expected = {{2, "a@example.net"}, {4, "b@example.net"}, {6, "c"}};
  EXPECT_EQ(words_of("# traps\na@example.net\tOK\r\n\nb@example.net relay:[x]\n  goes on@example.net\nc"), expected);
  EXPECT_TRUE(words_of("").empty());
}

TEST_F(FilesTest, ReadsLinesAcrossPieces) {
  std::string text;
  for (int i = 0; i < 150'000; ++i) text += "user" + std::to_string(i) + "@example.net\n";  // several pieces of 1 MiB
  const auto words = words_of(text);
  ASSERT_EQ(words.size(), 150'000u);
  EXPECT_EQ(words[149'999].second, "user149999@example.net");
  EXPECT_EQ(words[149'999].first, 150'000u);
  for (std::size_t i = 0; i < words.size(); ++i) ASSERT_EQ(words[i].second, "user" + std::to_string(i) + "@example.net");
}

TEST_F(FilesTest, RefusesWhatIsNoList) {
  EXPECT_THROW(words_of(std::string(200'000, 'x')), ErrorException);
  EXPECT_FALSE(read_address_file(folder.path("nowhere"), [](std::string_view, std::size_t) {}));
  EXPECT_FALSE(identify_file(folder.path("")));
}

TEST_F(FilesTest, TrapsWhatAFileNames) {
  Config config;
  config.files = {folder.write("traps", "Trap@example.net\n@old.example.net\nsales@\nbad@..\n/regex/\n")};
  configure(config);
  for (const auto* rcpt : {"trap@EXAMPLE.net", "anybody@old.example.net", "sales@example.com"})
    EXPECT_EQ(plugin->trap_of(host.store(), fold(rcpt)), config.files[0]) << rcpt;
  for (const auto* rcpt : {"trap@example.com", "anybody@new.example.net", "sales2@example.com", "sales", "bad@.."})
    EXPECT_FALSE(plugin->trap_of(host.store(), fold(rcpt))) << rcpt;
  EXPECT_EQ(host.gauge_value("deferd_traplist_addresses"), 3);
  EXPECT_TRUE(host.log().contains("traplist.bad_lines file=" + config.files[0] + " lines=2"));
}

TEST_F(FilesTest, TakesPublishedNamesForItsOwnDomains) {
  Config config;
  config.published = {{folder.write("published", "info4711@bsd.example\nsteffi0815\n"), {"example.net", "Example.com"}}};
  configure(config);
  for (const auto* rcpt : {"info4711@example.net", "INFO4711@example.com", "steffi0815@example.net"})
    EXPECT_TRUE(plugin->trap_of(host.store(), fold(rcpt))) << rcpt;
  for (const auto* rcpt : {"info4711@bsd.example", "info4711@mail.example.net", "info@example.net", "info4711"})
    EXPECT_FALSE(plugin->trap_of(host.store(), fold(rcpt))) << rcpt;
}

TEST_F(FilesTest, ReadsAFileAgainOnlyIfItHasChanged) {
  Config config;
  config.files = {folder.write("traps", "trap@example.net\n")};
  configure(config);
  auto next = std::make_unique<Traplist>(config, host);  // a reload: the old one goes after the new one has come
  plugin = std::move(next);
  EXPECT_EQ(host.log().count("traplist.loaded"), 1u);
  EXPECT_TRUE(is_defer(to("trap@example.net")));
  folder.write("traps", "other.trap@example.net\n");
  plugin = std::make_unique<Traplist>(config, host);
  EXPECT_EQ(host.log().count("traplist.loaded"), 2u);
  EXPECT_TRUE(is_defer(to("other.trap@example.net", "192.0.2.8")));
  EXPECT_TRUE(is_pass(to("trap@example.net", "192.0.2.9")));
}

TEST_F(FilesTest, RefusesToStartWithoutAFile) {
  Config config;
  config.files = {folder.path("nowhere")};
  EXPECT_THROW(Traplist(config, host), ErrorException);
}

class RecipientsTest : public FilesTest {
 protected:
  void SetUp() override {
    config.valid_recipients.files = {folder.write("relay_recipients", "bert@example.net OK\n@open.example.net x\nroot\ndora@\n")};
    configure(config);
  }
  Config config = with_trap();
};

TEST_F(RecipientsTest, RejectsWhomItDoesNotKnow) {
  const auto verdict = to("emil@example.net");
  EXPECT_EQ(verdict.action, Action::reject);
  EXPECT_EQ(verdict.reply.code, 550);
  EXPECT_EQ(verdict.reply.enhanced, "5.1.1");
  EXPECT_EQ(verdict.reply.text, "No such user here");
  EXPECT_TRUE(verdict.tags.empty());
  EXPECT_EQ(to("emil@example.net", kClient, "").action, Action::reject);
  EXPECT_FALSE(is_trapped());
}

TEST_F(RecipientsTest, KnowsRecipientsAsPostfixDoes) {
  for (const auto* rcpt : {"Bert@example.net", "bert+list@example.net", "anybody@open.example.net", "root@example.net",
                           "dora@example.com", "postmaster@example.net", "postmaster"})
    EXPECT_TRUE(is_pass(to(rcpt))) << rcpt;
  EXPECT_EQ(to("bert@example.com").action, Action::reject);
  EXPECT_EQ(to("+list@example.net").action, Action::reject);
}

TEST_F(RecipientsTest, RefusesToStartWithAnEmptyFile) {
  config.valid_recipients.files.push_back(folder.write("aliases", ""));
  EXPECT_THROW(Traplist(config, host), ErrorException);
  EXPECT_TRUE(is_pass(to("bert@example.net")));  // the plugin of before goes on
}

TEST_F(RecipientsTest, LeavesWhatIsTooLongToBeKnownToTheMta) {
  EXPECT_TRUE(is_pass(to(std::string(kMaxSubject, 'x') + "@example.net")));
}

TEST_F(RecipientsTest, TrapsAreTrapsThoughNobodyIsThere) {
  EXPECT_TRUE(is_defer(to("trap@example.net")));
  EXPECT_TRUE(is_trapped());
  EXPECT_TRUE(is_defer(to("emil@example.net")));  // what there is and what not is not told to the trapped
}

TEST_F(RecipientsTest, TrapsWhoGuessesIfToldSo) {
  config.valid_recipients.trap_after = 3;
  configure(config);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(to("guess" + std::to_string(i) + "@example.net").tags.empty());
  for (int i = 0; i < 5; ++i) to("bounce@example.net", "192.0.2.8", "");
  EXPECT_FALSE(is_trapped());
  const auto verdict = to("guess3@example.net");
  EXPECT_EQ(verdict.action, Action::reject);
  EXPECT_EQ(verdict.tags, std::vector<std::string>{"traplist.hit"});
  EXPECT_TRUE(is_trapped());
  EXPECT_FALSE(is_trapped("192.0.2.8"));
  EXPECT_EQ(row(kTrapped)->evidence, "mail to unknown recipients, guess3@example.net the latest");
  EXPECT_EQ(hits("unknown_recipient"), 3u);
}

}  // namespace
}  // namespace deferd::traplist
