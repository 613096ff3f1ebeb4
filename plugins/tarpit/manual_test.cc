// README.md has a row for each setting, with its true type, default and range; tarpit.yaml is what it says it is.
#include <gmock/gmock.h>

#include "config.h"
#include "config/yaml.h"
#include "deferd/testing/readme_rows.h"

namespace deferd::tarpit {
namespace {

using ::testing::IsEmpty;

TEST(TarpitManual, HasARowForEachSetting) { EXPECT_THAT(missing_rows(TARPIT_README, Config::schema().describe()), IsEmpty()); }

TEST(TarpitExample, SaysWhatIsTheDefaultAnyway) {
  Problems problems;
  const auto file = load_yaml(TARPIT_EXAMPLE, problems);
  ASSERT_TRUE(file) << problems.to_string("tarpit.yaml");
  const auto config = Config::schema().read(*file->find("plugins")->items()[1].find("tarpit"), problems);
  EXPECT_TRUE(problems.list().empty()) << problems.to_string("tarpit.yaml");
  const Config usual;
  EXPECT_EQ(config.hold.tags, usual.hold.tags);
  EXPECT_EQ(config.hold.tables, usual.hold.tables);
  EXPECT_EQ(config.hold.per_byte, usual.hold.per_byte);
  EXPECT_EQ(config.strangers.per_byte, usual.strangers.per_byte);
  EXPECT_EQ(config.strangers.during, usual.strangers.during);
  EXPECT_EQ(config.delay, usual.delay);
}

}  // namespace
}  // namespace deferd::tarpit
