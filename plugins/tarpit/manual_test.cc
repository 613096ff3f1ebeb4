// README.md has a row for each setting, with its true type, default and range; tarpit.yaml is what it says it is.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "config.h"
#include "config/yaml.h"

namespace deferd::tarpit {
namespace {

std::string manual() {
  std::ifstream file(TARPIT_README);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void expect_rows(const std::string& text, const std::vector<FieldDoc>& fields, const std::string& before) {
  for (const auto& field : fields) {
    std::string row = "| `" + before + field.name + "` | " + field.type + " |";
    row += field.default_text.empty() ? " |" : " " + field.default_text + " |";
    row += field.range.empty() ? " |" : " " + field.range + " |";
    row += " " + field.help + " |\n";
    EXPECT_NE(text.find(row), text.npos) << row;
    expect_rows(text, field.fields, before + field.name + ".");
  }
}

TEST(TarpitManual, HasARowForEachSetting) { expect_rows(manual(), Config::schema().describe(), ""); }

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
