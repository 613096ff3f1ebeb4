// README.md has a row for each setting, with its true type, default and range; blacklist.yaml is what it says it is.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "config.h"
#include "config/yaml.h"

namespace deferd::blacklist {
namespace {

std::string manual() {
  std::ifstream file(BLACKLIST_README);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// As it stands in a table.
std::string escaped(std::string type) {
  for (std::size_t at = 0; (at = type.find('|', at)) != type.npos; at += 2) type.insert(at, "\\");
  return type;
}

void expect_rows(const std::string& text, const std::vector<FieldDoc>& fields, const std::string& before) {
  for (const auto& field : fields) {
    std::string row = "| `" + before + field.name + "` | " + escaped(field.type) + " |";
    row += field.default_text.empty() ? " |" : " " + field.default_text + " |";
    row += field.range.empty() ? " |" : " " + field.range + " |";
    row += " " + field.help + " |\n";
    EXPECT_NE(text.find(row), text.npos) << row;
    expect_rows(text, field.fields, before + field.name + ".");
  }
}

TEST(BlacklistManual, HasARowForEachSetting) { expect_rows(manual(), Config::schema().describe(), ""); }

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
