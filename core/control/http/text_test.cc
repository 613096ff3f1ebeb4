// Targets and JSON: the two texts that are taken apart here.
#include <gtest/gtest.h>

#include "http/json.h"
#include "http/url.h"

namespace deferd {
namespace {

TEST(Target, IsDecoded) {
  HttpRequest request;
  ASSERT_TRUE(parse_target("/v1/decisions/a.1?key=a%2Bb%40c&&empty=&x=1=2", request));
  EXPECT_EQ(request.path, "/v1/decisions/a.1");
  const std::vector<std::pair<std::string, std::string>> query = {{"key", "a+b@c"}, {"empty", ""}, {"x", "1=2"}};
  EXPECT_EQ(request.query, query);
}

TEST(Target, KeepsAPlus) {
  HttpRequest request;
  ASSERT_TRUE(parse_target("/?key=a+b@example.org", request));
  EXPECT_EQ(request.query[0].second, "a+b@example.org");
}

TEST(Target, IsRefusedWhenMalformed) {
  HttpRequest request;
  for (const char* bad : {"", "x", "http://x/", "*", "/%", "/%1", "/%g0", "/?a=%", "/?%=1"})
    EXPECT_FALSE(parse_target(bad, request)) << bad;
}

TEST(Target, SurvivesEncoding) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  HttpRequest request;
  ASSERT_TRUE(parse_target("/x?key=" + percent_encode(all), request));
  EXPECT_EQ(request.query[0].second, all);
}

TEST(Json, BecomesAValueAndJsonAgain) {
  for (const char* text : {R"({"a":1,"b":[true,false,null,"x\ny"],"c":{"d":-5}})", "[]", "{}", "\"x\"", "7",
                           "9223372036854775807", "-9223372036854775808", "null"}) {
    auto value = parse_json(text);
    ASSERT_TRUE(value) << text << value.error().what;
    EXPECT_EQ(value->to_json(), text);
  }
}

TEST(Json, IsRefusedWhenMalformed) {
  for (const char* bad : {"", " ", "{", "{\"a\":}", "[1,]", "{} x", "01", "1.5", "9223372036854775808", "'x'", "nul", "\"\x01\""})
    EXPECT_FALSE(parse_json(bad)) << bad;
}

TEST(Json, IsRefusedWhenTooDeep) {
  EXPECT_TRUE(parse_json(std::string(30, '[') + std::string(30, ']')));
  EXPECT_FALSE(parse_json(std::string(40, '[') + std::string(40, ']')));
  EXPECT_FALSE(parse_json(std::string(60'000, '[')));
}

TEST(Json, TellsWhereItIsWrong) {
  auto value = parse_json("{\"a\": x}");
  ASSERT_FALSE(value);
  EXPECT_NE(value.error().what.find("byte 6"), std::string::npos) << value.error().what;
}

}  // namespace
}  // namespace deferd
