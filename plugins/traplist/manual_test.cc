// README.md has a row for each setting, with its true type, default and range; traplist.yaml is what it says it is.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "config.h"
#include "config/yaml.h"
#include "traplist.h"

namespace deferd::traplist {
namespace {

std::string manual() {
  std::ifstream file(TRAPLIST_README);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void expect_rows(const std::string& text, const std::vector<FieldDoc>& fields, const std::string& before) {
  for (const auto& field : fields) {
    std::string type = field.type;
    for (std::size_t at = 0; (at = type.find('|', at)) != type.npos; at += 2) type.insert(at, "\\");
    std::string row = "| `" + before + field.name + "` | " + type + " |";
    row += field.default_text.empty() ? " |" : " " + field.default_text + " |";
    row += field.range.empty() ? " |" : " " + field.range + " |";
    row += " " + field.help + " |\n";
    EXPECT_NE(text.find(row), text.npos) << row;
    expect_rows(text, field.fields, before + field.name + ".");
  }
}

TEST(TraplistManual, HasARowForEachSetting) { expect_rows(manual(), Config::schema().describe(), ""); }

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
