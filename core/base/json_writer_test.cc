#include "base/json_writer.h"

#include <gtest/gtest.h>

#include <limits>

namespace deferd {
namespace {

std::string json_text(std::string_view text, std::size_t limit = std::string_view::npos) {
  std::string out;
  JsonWriter(out).text(text, limit);
  return out;
}

TEST(JsonWriter, PutsCommasBetweenValuesOnly) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.key("empty").begin_object();
  json.end_object();
  json.key("list").begin_list();
  json.begin_list();
  json.end_list();
  json.null();
  json.text("");
  json.end_list();
  json.key("last").boolean(false);
  json.end_object();
  EXPECT_EQ(out, R"({"empty":{},"list":[[],null,""],"last":false})");
}

TEST(JsonWriter, AppendsToWhatIsThere) {
  std::string out = "before ";
  JsonWriter(out).boolean(true);
  JsonWriter(out).integer(1);
  EXPECT_EQ(out, "before true1");
}

TEST(JsonWriter, PrintsTheWholeRangeOfIntegers) {
  std::string out;
  JsonWriter json(out);
  json.begin_list();
  json.integer(std::numeric_limits<std::int64_t>::min());
  json.integer(std::numeric_limits<std::int64_t>::max());
  json.end_list();
  EXPECT_EQ(out, "[-9223372036854775808,9223372036854775807]");
}

TEST(JsonWriter, EscapesKeysAsTexts) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.key("a\"b").integer(0);
  json.end_object();
  EXPECT_EQ(out, R"({"a\"b":0})");
}

TEST(JsonWriter, EscapesBetweenPlainCharacters) {
  EXPECT_EQ(json_text("plain \x1f\"mid\\dle\n\x7f end"), R"("plain \u001f\"mid\\dle\n\u007f end")");
  EXPECT_EQ(json_text("\xc3\xbc\xc2\x9f\xc2\xa0\xff."), "\"\xc3\xbc\\u009f\xc2\xa0\xef\xbf\xbd.\"");
}

TEST(JsonWriter, CutsTextsLongerThanTheLimit) {
  EXPECT_EQ(json_text("abc", 3), R"("abc")");
  EXPECT_EQ(json_text("abcd", 3), R"("abc...")");
  EXPECT_EQ(json_text("ab\xc3\xbc", 3), "\"ab\xef\xbf\xbd...\"") << "within a character";
}

}  // namespace
}  // namespace deferd
