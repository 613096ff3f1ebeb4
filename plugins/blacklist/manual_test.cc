// README.md has a row for each setting, with its true type, default and range; blacklist.yaml is what it says it is.
#include <gmock/gmock.h>

#include "config.h"
#include "config/yaml.h"
#include "deferd/testing/readme_rows.h"

namespace deferd::blacklist {
namespace {

using ::testing::IsEmpty;

TEST(BlacklistManual, HasARowForEachSetting) {
  EXPECT_THAT(missing_rows(BLACKLIST_README, Config::schema().describe()), IsEmpty());
}

TEST(BlacklistExample, IsReadWithoutComplaint) {
  Problems problems;
  const auto file = load_yaml(BLACKLIST_EXAMPLE, problems);
  ASSERT_TRUE(file) << problems.to_string("blacklist.yaml");
  const auto config = Config::schema().read(*file->find("plugins")->items()[1].find("blacklist"), problems);
  EXPECT_TRUE(problems.list().empty()) << problems.to_string("blacklist.yaml");
  EXPECT_EQ(config.lists.size(), 4u);
}

}  // namespace
}  // namespace deferd::blacklist
