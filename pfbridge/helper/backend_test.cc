// What holds for every backend that can be tried without a packet filter.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>

#include "pfbridge/helper/entry_of.h"
#include "pfbridge/helper/file_table.h"
#include "pfbridge/helper/program_table.h"

namespace deferd::bridge {
namespace {

class BackendTest : public testing::TestWithParam<const char*> {
 protected:
  BackendTest() {
    ::signal(SIGPIPE, SIG_IGN);
    std::string name = (std::filesystem::temp_directory_path() / "deferd-backend.XXXXXX").string();
    folder = ::mkdtemp(name.data());
    backend = make();
  }
  ~BackendTest() override { std::filesystem::remove_all(folder); }

  std::unique_ptr<Backend> make() const {
    if (GetParam() == std::string_view("file"))
      return std::make_unique<FileTable>((folder / "white.txt").string(), std::vector<std::string>{});
    // The documented protocol in a few lines of shell: a file of sorted lines.
    const std::string script = R"(t=)" + (folder / "table").string() + R"(
touch $t
case $1 in
  add) cut -d' ' -f1 | sort -u - $t >$t.new && mv $t.new $t;;
  remove) sort - | comm -13 - $t >$t.new && mv $t.new $t;;
  show) cat $t;;
  check) :;;
esac)";
    return std::make_unique<ProgramTable>(std::vector<std::string>{"/bin/sh", "-c", script, "table"});
  }

  std::vector<Entry> read() {
    std::vector<Entry> entries;
    const auto result = backend->read(entries);
    EXPECT_TRUE(result.ok()) << result.error;
    std::sort(entries.begin(), entries.end());
    return entries;
  }

  std::filesystem::path folder;
  std::unique_ptr<Backend> backend;
};
INSTANTIATE_TEST_SUITE_P(All, BackendTest, testing::Values("file", "program"),
                         [](const auto& name) { return std::string(name.param); });

TEST_P(BackendTest, IsEmptyAtFirst) {
  EXPECT_TRUE(backend->check().ok());
  EXPECT_TRUE(read().empty());
}

TEST_P(BackendTest, HoldsWhatWasAddedUntilItIsRemoved) {
  const std::vector<Row> rows{{entry("192.0.2.1"), 60}, {entry("198.51.100.0/24"), 0}, {entry("2001:db8::1"), 60}};
  EXPECT_TRUE(backend->add(rows).ok());
  EXPECT_EQ(read(), (std::vector{entry("192.0.2.1"), entry("198.51.100.0/24"), entry("2001:db8::1")}));
  EXPECT_TRUE(backend->remove(std::vector{entry("198.51.100.0/24")}).ok());
  EXPECT_EQ(read(), (std::vector{entry("192.0.2.1"), entry("2001:db8::1")}));
}

TEST_P(BackendTest, MayBeToldTwice) {
  const std::vector<Row> row{{entry("192.0.2.1"), 60}};
  EXPECT_TRUE(backend->add(row).ok());
  EXPECT_TRUE(backend->add(row).ok());
  EXPECT_EQ(read().size(), 1u);
  EXPECT_TRUE(backend->remove(std::vector{entry("192.0.2.1")}).ok());
  EXPECT_TRUE(backend->remove(std::vector{entry("192.0.2.1")}).ok());
  EXPECT_TRUE(read().empty());
}

TEST_P(BackendTest, TakesNothingForNothing) {
  EXPECT_TRUE(backend->add(std::vector<Row>{{entry("192.0.2.1"), 0}}).ok());
  EXPECT_TRUE(backend->add({}).ok());
  EXPECT_TRUE(backend->remove({}).ok());
  EXPECT_EQ(read().size(), 1u);
}

class FileTableTest : public BackendTest {};
INSTANTIATE_TEST_SUITE_P(File, FileTableTest, testing::Values("file"));

TEST_P(FileTableTest, KeepsTheOldFileIfTheNewOneCannotBeWritten) {
  EXPECT_TRUE(backend->add(std::vector<Row>{{entry("192.0.2.1"), 0}}).ok());
  std::filesystem::create_directory(folder / "white.txt.new");  // so it cannot be opened
  EXPECT_FALSE(backend->add(std::vector<Row>{{entry("192.0.2.2"), 0}}).ok());
  EXPECT_EQ(read(), std::vector{entry("192.0.2.1")});
}

TEST_P(FileTableTest, DoesNotOverwriteWhatItDoesNotUnderstand) {
  std::ofstream(folder / "white.txt") << "192.0.2.1\nmx.example.org\n";
  const auto result = backend->add(std::vector<Row>{{entry("192.0.2.2"), 0}});
  EXPECT_EQ(result.error, (folder / "white.txt").string() + ":2: not an address or prefix; correct or remove the file");
}

TEST_P(FileTableTest, FailsIfWhatFollowsFails) {
  FileTable table((folder / "w").string(), {"/bin/sh", "-c", "exit 3"});
  EXPECT_EQ(table.add(std::vector<Row>{{entry("192.0.2.1"), 0}}).error, "/bin/sh ended with 3");
}

TEST_P(FileTableTest, SaysIfItsFolderIsMissing) { EXPECT_FALSE(FileTable((folder / "absent" / "w").string(), {}).check().ok()); }

TEST(ProgramTableTest, RefusesOutputThatIsCutOff) {
  std::vector<Entry> entries;
  EXPECT_FALSE(ProgramTable({"/bin/sh", "-c", "printf '192.0.2.1\\n192.0.2.2'"}).read(entries).ok());
  EXPECT_TRUE(entries.empty());
}

}  // namespace
}  // namespace deferd::bridge
