// README.md has a row for each setting, with its true type, default and range; greylist.yaml is what it says it is.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "answer.h"
#include "config.h"
#include "config/yaml.h"

namespace deferd::greylist {
namespace {

std::string manual() {
  std::ifstream file(GREYLIST_README);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string escaped(std::string type) {
  for (std::size_t at = 0; (at = type.find('|', at)) != type.npos; at += 2) type.insert(at, "\\");
  return type;
}

void expect_rows(const std::string& text, const std::vector<FieldDoc>& fields, const std::string& before) {
  for (const auto& field : fields) {
    std::string row = "| `" + before + field.name + "` | " + escaped(field.type) + " |";
    row += (field.default_text.empty() ? "" : " " + field.default_text) + " |";
    EXPECT_NE(text.find(row), text.npos) << row;
    const auto at = std::min(text.find(row), text.size());
    const auto line = text.substr(at, text.find('\n', at) - at);
    EXPECT_NE(line.find(field.help), line.npos) << line << " should say: " << field.help;
    EXPECT_NE(line.find(field.range), line.npos) << line << " should say: " << field.range;
    expect_rows(text, field.fields, before + field.name + (field.type == "map of map" ? ".NAME." : "."));
  }
}

TEST(GreylistManual, HasARowForEachSetting) { expect_rows(manual(), Config::schema().describe(), ""); }

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
