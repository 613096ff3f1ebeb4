#include "deferd/value.h"

#include <gtest/gtest.h>

namespace deferd {
namespace {

TEST(Value, PrintsEveryKindAsJson) {
  Value map = Value::map();
  map.set("none", {});
  map.set("yes", true);
  map.set("number", -7);
  map.set("text", "a b");
  Value& list = map.set("list", Value::list());
  list.append(1);
  list.append(Value::map());
  list.append(Value::list());
  EXPECT_EQ(map.to_json(), R"({"none":null,"yes":true,"number":-7,"text":"a b","list":[1,{},[]]})");
}

TEST(Value, EscapesTextsInJson) {
  EXPECT_EQ(Value("\"\\\n\t\x01\x7f/").to_json(), R"("\"\\\n\u0009\u0001\u007f/")");
  EXPECT_EQ(Value("\xc2\x80\xc2\x9b\xc2\xa0").to_json(), "\"\\u0080\\u009b\xc2\xa0\"") << "control characters beyond ASCII";
  EXPECT_EQ(Value(std::string_view("a\0b", 3)).to_json(), R"("a\u0000b")");
  EXPECT_EQ(Value("gr\xc3\xbc\xc3\x9f \xf0\x9f\x93\xac").to_json(), "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x93\xac\"");
}

TEST(Value, ReplacesWhatIsNoUtf8) {
  const std::string bad = "\xef\xbf\xbd";
  EXPECT_EQ(Value("a\xff"
                  "b\xc3")
                .to_json(),
            '"' + std::string("a") + bad + "b" + bad + '"');
  EXPECT_EQ(Value("\xc0\x80").to_json(), '"' + bad + bad + '"') << "overlong";
  EXPECT_EQ(Value("\xed\xa0\x80").to_json(), '"' + bad + bad + bad + '"') << "surrogate";
  EXPECT_EQ(Value("\xf4\x90\x80\x80").to_json(), '"' + bad + bad + bad + bad + '"') << "above U+10FFFF";
}

TEST(Value, KeepsKeysInOrderAndReplaces) {
  Value map = Value::map();
  map.set("b", 1, {1, 1});
  map.set("a", 2, {2, 1});
  map.set("b", 3, {3, 1});
  ASSERT_EQ(map.size(), 2U);
  EXPECT_EQ(map.key(0), "b");
  EXPECT_EQ(map.key_mark(0).line, 3U);
  ASSERT_NE(map.find("b"), nullptr);
  EXPECT_EQ(map.find("b")->integer(), 3);
  EXPECT_EQ(map.find("c"), nullptr);
}

TEST(Value, OfNoMapHasNoKeys) {
  EXPECT_EQ(Value("text").find("text"), nullptr);
  EXPECT_EQ(Value().find(""), nullptr);
}

}  // namespace
}  // namespace deferd
