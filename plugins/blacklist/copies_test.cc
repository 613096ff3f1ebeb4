#include "copies.h"

#include <gmock/gmock.h>

#include <thread>

#include "testing_support.h"

namespace deferd::blacklist {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Time kNow{std::chrono::seconds(1767225600)};

class CopiesTest : public ::testing::Test {
 protected:
  Copy copy(std::string body = "192.0.2.1\n") const {
    return {"https://x.example/list", {"\"tag\"", "Thu, 01 Jan 2026 00:00:00 GMT"}, kNow - 1h, kNow, std::move(body)};
  }

  TestFolder folder;
  Copies copies{folder.file("lists")};
};

TEST_F(CopiesTest, GivesBackWhatItWasGiven) {
  std::string body = packed("192.0.2.1\n") + std::string("\n\n\0x", 4);
  ASSERT_TRUE(copies.write("mine", copy(body)));
  const auto read = copies.read("mine");
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->source, "https://x.example/list");
  EXPECT_EQ(read->validators.etag, "\"tag\"");
  EXPECT_EQ(read->validators.modified, "Thu, 01 Jan 2026 00:00:00 GMT");
  EXPECT_EQ(read->fetched, kNow - 1h);
  EXPECT_EQ(read->checked, kNow);
  EXPECT_EQ(read->body, body);
  copies.touch("mine", kNow + 5h);
  EXPECT_EQ(copies.read("mine")->checked, kNow + 5h);
}

TEST_F(CopiesTest, AreForOurOwnEyes) {
  ASSERT_TRUE(copies.write("mine", copy()));
  struct stat info {};
  ASSERT_EQ(::stat(folder.file("lists").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700u);
  ASSERT_EQ(::stat(folder.file("lists/mine.list").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST_F(CopiesTest, TakesAnyNameAndLeavesItsFolderForNone) {
  for (const auto* name : {"../up", "a/b", ".hidden", "%2f", "port.a\nb", ""}) {
    ASSERT_TRUE(copies.write(name, copy(name))) << name;
    EXPECT_EQ(copies.read(name)->body, name);
  }
  EXPECT_FALSE(std::filesystem::exists(folder.file("up.list")));
  EXPECT_THAT(copies.names("port."), ElementsAre("port.a\nb"));
}

TEST_F(CopiesTest, CannotBeGivenMoreLinesByAServer) {
  auto evil = copy();
  evil.validators.etag = "x\nsource /etc/passwd";
  ASSERT_TRUE(copies.write("mine", evil));
  EXPECT_EQ(copies.read("mine")->source, "https://x.example/list");
  EXPECT_EQ(copies.read("mine")->body, "192.0.2.1\n");
}

TEST_F(CopiesTest, SaysWhatIsMissingOrDamaged) {
  EXPECT_EQ(copies.read("mine").error().code, Errc::not_found);
  EXPECT_THAT(copies.names(""), IsEmpty());
  EXPECT_FALSE(copies.size("mine"));
  ASSERT_TRUE(copies.write("mine", copy()));
  EXPECT_TRUE(copies.size("mine"));
  folder.write("lists/mine.list", "something else");
  EXPECT_EQ(copies.read("mine").error().code, Errc::corrupt);
  folder.write("lists/mine.list", "");
  EXPECT_EQ(copies.read("mine").error().code, Errc::corrupt);
  copies.remove("mine");
  EXPECT_EQ(copies.read("mine").error().code, Errc::not_found);
}

TEST_F(CopiesTest, AreWholeWhenTwoWriteTheSame) {
  const auto write = [&](char letter) {
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(copies.write("mine", copy(std::string(100'000, letter))));
  };
  std::thread other(write, 'a');
  write('b');
  other.join();
  const auto read = copies.read("mine");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->body, std::string(100'000, read->body.front()));
  std::vector<std::string> files;
  for (const auto& file : std::filesystem::directory_iterator(folder.file("lists"))) files.push_back(file.path().filename());
  EXPECT_THAT(files, ElementsAre("mine.list"));
}

TEST_F(CopiesTest, SaysThatAFolderCannotBeWritten) { EXPECT_FALSE(Copies(folder.file("no/such/folder")).write("mine", copy())); }

}  // namespace
}  // namespace deferd::blacklist
