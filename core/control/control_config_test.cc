#include "control/control_config.h"

#include <gtest/gtest.h>

namespace deferd {
namespace {

Problems problems_of(std::string_view key, std::string text) {
  Value config = Value::map();
  config.set(key, Value(std::move(text)));
  Problems problems;
  ControlConfig::schema().read(config, problems, "control");
  return problems;
}

TEST(ControlConfig, RefusesASocketPathThatDoesNotFit) {
  const Problems problems = problems_of("socket", "/" + std::string(110, 'x'));
  ASSERT_TRUE(problems.failed());
  EXPECT_NE(problems.list()[0].message.find("107 bytes"), std::string::npos) << problems.list()[0].message;
}

TEST(ControlConfig, MayHaveNoSocket) { EXPECT_TRUE(problems_of("socket", "").list().empty()); }

TEST(ControlConfig, WarnsWhenEverybodyMayControl) {
  EXPECT_TRUE(problems_of("mode", "0660").list().empty());
  const Problems problems = problems_of("mode", "0666");
  EXPECT_FALSE(problems.failed());
  ASSERT_EQ(problems.list().size(), 1u);
}

}  // namespace
}  // namespace deferd
