// README.md has a row for each setting, with its true type, default and range; traplist.yaml is what it says it is.
#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "config.h"
#include "config/yaml.h"
#include "deferd/testing/readme_rows.h"
#include "traplist.h"

namespace deferd::traplist {
namespace {

using ::testing::IsEmpty;

std::string manual() {
  std::ifstream file(TRAPLIST_README);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(TraplistManual, HasARowForEachSetting) {
  EXPECT_THAT(missing_rows(TRAPLIST_README, Config::schema().describe()), IsEmpty());
}

TEST(TraplistManual, HasEveryKindOfHit) {
  for (const auto& [hit, name] : kHitNames) EXPECT_NE(manual().find("`" + std::string(name) + "`"), std::string::npos) << name;
}

TEST(TraplistExample, IsWithoutProblems) {
  Problems problems;
  const auto file = load_yaml(TRAPLIST_EXAMPLE, problems);
  ASSERT_TRUE(file) << problems.to_string("traplist.yaml");
  const auto config = Config::schema().read(*file->find("plugins")->items()[0].find("traplist"), problems);
  EXPECT_TRUE(problems.list().empty()) << problems.to_string("traplist.yaml");
  EXPECT_EQ(config.duration, Config{}.duration);
  EXPECT_EQ(config.hits, Config{}.hits);
  EXPECT_EQ(config.null_sender, Config{}.null_sender);
  EXPECT_EQ(config.reply.text, Config{}.reply.text);
  EXPECT_EQ(config.reply.code, Config{}.reply.code);
}

}  // namespace
}  // namespace deferd::traplist
