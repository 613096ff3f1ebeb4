// README.md has a row for each setting, with its true type, default and range; greylist.yaml is what it says it is.
#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "answer.h"
#include "config.h"
#include "config/yaml.h"
#include "deferd/testing/readme_rows.h"

namespace deferd::greylist {
namespace {

using ::testing::IsEmpty;

std::string manual() {
  std::ifstream file(GREYLIST_README);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(GreylistManual, HasARowForEachSetting) {
  EXPECT_THAT(missing_rows(GREYLIST_README, Config::schema().describe()), IsEmpty());
}

TEST(GreylistManual, HasARowForEachAnswer) {
  for (const auto& [answer, name] : kAnswers)
    EXPECT_NE(manual().find("| `" + std::string(name) + "` |"), std::string::npos) << name;
}

TEST(GreylistExample, IsWithoutProblems) {
  Problems problems;
  const auto file = load_yaml(GREYLIST_EXAMPLE, problems);
  ASSERT_TRUE(file) << problems.to_string("greylist.yaml");
  const auto& settings = *file->find("plugins")->items()[0].find("greylist");
  const auto config = Config::schema().read(settings, problems);
  EXPECT_TRUE(problems.list().empty()) << problems.to_string("greylist.yaml");
  EXPECT_EQ(config.pass_time, Config{}.pass_time);
  EXPECT_EQ(config.max_wait, Config{}.max_wait);
  EXPECT_EQ(config.quota.burst, Config{}.quota.burst);
  EXPECT_EQ(config.reply_text, Config{}.reply_text);
  EXPECT_EQ(config.profiles.size(), 1U);
}

}  // namespace
}  // namespace deferd::greylist
