#include "deferd/testing/readme_rows.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace deferd {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ReadmeRowsTest : public testing::Test {
 protected:
  ~ReadmeRowsTest() override { std::filesystem::remove(manual); }
  std::vector<std::string> missing(const std::string& text) {
    std::ofstream(manual) << text;
    return missing_rows(manual, fields);
  }

  // A process a test, or one after the other in one.
  const std::string manual = (std::filesystem::temp_directory_path() / ("readme_rows." + std::to_string(::getpid()))).string();
  const std::vector<FieldDoc> fields{
      {"delay", "duration", "5s", "0s to 1m", "How long.", false, {}},
      {"way", "up | down", "", "", "Where to.", false, {}},
      {"profiles", "map of map", "{}", "", "By name.", false, {{"delay", "duration", "", "", "Instead.", false, {}}}},
      {"hold", "map", "", "", "Whom.", false, {{"tags", "list of text", "[]", "", "These.", false, {}}}}};
  const std::string rows =
      "| `delay` | duration | 5s | 0s to 1m | How long. |\n"
      "| `way` | up \\| down | | | Where to. |\n"
      "| `profiles` | map of map | {} | | By name. |\n"
      "| `profiles.NAME.delay` | duration | | | Instead. |\n"
      "| `hold` | map | | | Whom. |\n"
      "| `hold.tags` | list of text | [] | | These. |\n";
};

TEST_F(ReadmeRowsTest, AreAllThere) { EXPECT_THAT(missing("# Manual\n" + rows), IsEmpty()); }

TEST_F(ReadmeRowsTest, AreMissedWhereAnythingDiffers) {
  auto other = rows;
  other.replace(other.find("5s"), 2, "6s");
  EXPECT_THAT(missing("\n" + other), ElementsAre("| `delay` | duration | 5s | 0s to 1m | How long. |"));
  other = rows;
  other.replace(other.find("Instead"), 7, "Besides");
  EXPECT_THAT(missing("\n" + other), ElementsAre("| `profiles.NAME.delay` | duration | | | Instead. |"));
}

TEST_F(ReadmeRowsTest, MayTellARangeThatTheSchemaDoesNot) {
  auto other = rows;
  other.replace(other.find("| | | Instead"), 5, "| | 0s to 1d |");
  EXPECT_THAT(missing("\n" + other), IsEmpty());
  other.replace(other.find("0s to 1d |"), 10, "0s | to | 1d |");
  EXPECT_THAT(missing("\n" + other), SizeIs(1));
}

TEST_F(ReadmeRowsTest, AreAllMissedWithoutAManual) { EXPECT_THAT(missing_rows("/nonexistent", fields), SizeIs(6)); }

}  // namespace
}  // namespace deferd
