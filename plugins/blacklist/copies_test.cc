#include "copies.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "testing_support.h"

namespace deferd::blacklist {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const Time kNow{std::chrono::seconds(1767225600)};

class CopiesTest : public ::testing::Test {
 protected:
  /// Empty, or what was wrong.
  std::string write(std::string_view name, std::string_view body = "192.0.2.1\n", std::string etag = "\"tag\"") {
    auto copy = copies.start(name, "https://x.example/list");
    copy.append(body.substr(0, body.size() / 2));
    copy.append(body.substr(body.size() / 2));
    const auto kept = copy.keep({std::move(etag), "Thu, 01 Jan 2026 00:00:00 GMT"}, kNow - 1h, kNow);
    return kept ? "" : kept.error().what;
  }
  std::string body(std::string_view name) const { return body_of(copies, name); }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& file : std::filesystem::directory_iterator(folder.file("lists"))) names.push_back(file.path().filename());
    return names;
  }

  TestFolder folder;
  Copies copies{folder.file("lists")};
};

TEST_F(CopiesTest, GivesBackWhatItWasGiven) {
  const std::string body = packed("192.0.2.1\n") + std::string("\n\n\0x", 4);
  ASSERT_EQ(write("mine", body), "");
  const auto copy = copies.open("mine");
  ASSERT_TRUE(copy) << copy.error().what;
  EXPECT_EQ(copy->head().source, "https://x.example/list");
  EXPECT_EQ(copy->head().validators.etag, "\"tag\"");
  EXPECT_EQ(copy->head().validators.modified, "Thu, 01 Jan 2026 00:00:00 GMT");
  EXPECT_EQ(copy->head().fetched, kNow - 1h);
  EXPECT_EQ(copy->head().checked, kNow);
  EXPECT_EQ(body_of(copies, "mine"), body);
  copies.touch("mine", kNow + 5h);
  EXPECT_EQ(copies.open("mine")->head().checked, kNow + 5h);
}

TEST_F(CopiesTest, HandsOnItsBodyInPieces) {
  std::string text;
  for (int i = 0; text.size() < 1'000'000; ++i) text += std::to_string(i) + "\n\n";
  ASSERT_EQ(write("mine", text), "");
  std::string body;
  std::size_t largest = 0;
  ASSERT_TRUE(copies.open("mine")->read([&](std::string_view bytes) -> Result<void> {
    largest = std::max(largest, bytes.size());
    body += bytes;
    return {};
  }));
  EXPECT_EQ(body, text);
  EXPECT_LE(largest, 256u << 10);
  const auto refused = copies.open("mine")->read([](std::string_view) -> Result<void> { return fail(Errc::conflict, "enough"); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().what, "enough");
}

TEST_F(CopiesTest, MayBeEmpty) {
  ASSERT_EQ(write("mine", ""), "");
  EXPECT_EQ(body("mine"), "");
}

TEST_F(CopiesTest, TakesWhatAFormerVersionWrote) {
  std::filesystem::create_directory(folder.file("lists"));
  folder.write("lists/mine.list",
               "deferd list 1\nsource https://x.example/list\nfetched 1767225600\netag \nmodified \n\n192.0.2.1\n");
  EXPECT_EQ(body("mine"), "192.0.2.1\n");
  EXPECT_EQ(copies.open("mine")->head().fetched, kNow);
}

TEST_F(CopiesTest, ReplacesNothingBeforeItIsWhole) {
  ASSERT_EQ(write("mine"), "");
  {
    auto half = copies.start("mine", "https://x.example/list");
    half.append("198.51.100.1\n");
    EXPECT_EQ(body("mine"), "192.0.2.1\n");
  }
  EXPECT_EQ(body("mine"), "192.0.2.1\n");
  EXPECT_THAT(files(), ElementsAre("mine.list"));
}

TEST_F(CopiesTest, RemoveWhatWasLeftBehindLongAgo) {
  ASSERT_EQ(write("mine"), "");
  const auto left = [&](const char* name, std::chrono::hours ago) {
    const auto path = folder.file(std::string("lists/") + name);
    std::ofstream{path} << "half a list";
    std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - ago);
  };
  left("mine.list.abcdef", 3h);
  left("mine.list.another", 3h);  // not ours
  left("other.list.abcdef", 3h);
  left("mine.list.aaaaaa", 1h);  // perhaps somebody still writes it
  ASSERT_EQ(write("mine"), "");
  EXPECT_THAT(files(), UnorderedElementsAre("mine.list", "mine.list.another", "mine.list.aaaaaa", "other.list.abcdef"));
}

TEST_F(CopiesTest, AreForOurOwnEyes) {
  ASSERT_EQ(write("mine"), "");
  struct stat info {};
  ASSERT_EQ(::stat(folder.file("lists").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700u);
  ASSERT_EQ(::stat(folder.file("lists/mine.list").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST_F(CopiesTest, TakesAnyNameAndLeavesItsFolderForNone) {
  for (const auto* name : {"../up", "a/b", ".hidden", "%2f", "port.a\nb", ""}) {
    ASSERT_EQ(write(name, name), "") << name;
    EXPECT_EQ(body(name), name);
  }
  EXPECT_FALSE(std::filesystem::exists(folder.file("up.list")));
  EXPECT_THAT(copies.names("port."), ElementsAre("port.a\nb"));
}

TEST_F(CopiesTest, CannotBeGivenMoreLinesByAServer) {
  ASSERT_EQ(write("mine", "192.0.2.1\n", "x\nsource /etc/passwd"), "");
  EXPECT_EQ(copies.open("mine")->head().source, "https://x.example/list");
  EXPECT_EQ(body("mine"), "192.0.2.1\n");
}

TEST_F(CopiesTest, KeepsWhatServersMaySayOfAListAndNoMore) {
  const std::string tag(1024, 't');  // the longest header that is looked at
  ASSERT_EQ(write("mine", "192.0.2.1\n", tag), "");
  EXPECT_EQ(copies.open("mine")->head().validators.etag, tag);
  EXPECT_THAT(write("mine", "198.51.100.1\n", std::string(10'000, 't')), HasSubstr("than there is room for"));
  EXPECT_EQ(body("mine"), "192.0.2.1\n");
  EXPECT_THAT(files(), ElementsAre("mine.list"));
}

TEST_F(CopiesTest, SaysWhatIsMissingOrDamaged) {
  EXPECT_EQ(copies.open("mine").error().code, Errc::not_found);
  EXPECT_THAT(copies.names(""), IsEmpty());
  EXPECT_FALSE(copies.size("mine"));
  ASSERT_EQ(write("mine"), "");
  EXPECT_TRUE(copies.size("mine"));
  const auto whole = folder.read("lists/mine.list");
  const std::string another_version = "deferd list 12" + whole.substr(whole.find('\n'));
  for (const auto& damaged :
       {std::string("something else"), std::string(), whole.substr(0, 40), std::string(3 << 20, 'x'), another_version}) {
    folder.write("lists/mine.list", damaged);
    EXPECT_EQ(copies.open("mine").error().code, Errc::corrupt) << damaged.substr(0, 50);
  }
  copies.remove("mine");
  EXPECT_EQ(copies.open("mine").error().code, Errc::not_found);
}

TEST_F(CopiesTest, AreWholeWhenTwoWriteTheSame) {
  const auto write_some = [&](char letter) {
    for (int i = 0; i < 20; ++i) EXPECT_EQ(write("mine", std::string(100'000, letter)), "");
  };
  std::thread other(write_some, 'a');
  write_some('b');
  other.join();
  const auto text = body("mine");
  EXPECT_EQ(text, std::string(100'000, text.front()));
  EXPECT_THAT(files(), ElementsAre("mine.list"));
}

TEST_F(CopiesTest, SaysAtTheEndThatAFolderCannotBeWritten) {
  const Copies nowhere(folder.file("no/such/folder"));
  auto copy = nowhere.start("mine", "x");
  copy.append("192.0.2.1\n");
  copy.append("192.0.2.2\n");
  const auto kept = copy.keep({}, kNow, kNow);
  ASSERT_FALSE(kept);
  EXPECT_THAT(kept.error().what, HasSubstr("No such file"));
}

}  // namespace
}  // namespace deferd::blacklist
