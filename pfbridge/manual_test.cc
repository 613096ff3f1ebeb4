// README.md has a row for each setting, with its true type, default and range; pfbridge.yaml is what it says it is.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "config/yaml.h"
#include "pfbridge/config.h"

namespace deferd::pfbridge {
namespace {

std::string manual() {
  std::ifstream file(PFBRIDGE_README);
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

TEST(PfBridgeManual, HasARowForEachSetting) { expect_rows(manual(), Config::schema().describe(), ""); }

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
