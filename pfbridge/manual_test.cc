// README.md has a row for each setting, with its true type, default and range; pfbridge.yaml is what it says it is.
#include <gmock/gmock.h>

#include "config/yaml.h"
#include "deferd/testing/readme_rows.h"
#include "pfbridge/config.h"

namespace deferd::pfbridge {
namespace {

using ::testing::IsEmpty;

TEST(PfBridgeManual, HasARowForEachSetting) {
  EXPECT_THAT(missing_rows(PFBRIDGE_README, Config::schema().describe()), IsEmpty());
}

TEST(PfBridgeExample, IsReadWithoutComplaint) {
  Problems problems;
  const auto file = load_yaml(PFBRIDGE_EXAMPLE, problems);
  ASSERT_TRUE(file) << problems.to_string("pfbridge.yaml");
  const auto& plugins = file->find("plugins")->items();
  Config::schema().read(*plugins.back().find("pfbridge"), problems);
  EXPECT_TRUE(problems.list().empty()) << problems.to_string("pfbridge.yaml");
}

}  // namespace
}  // namespace deferd::pfbridge
