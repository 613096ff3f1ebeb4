#include "smtp/path.h"

#include <gmock/gmock.h>

namespace deferd::smtp {
namespace {

using namespace std::literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::string shown(const Result<Path>& path) {
  if (!path) return "error: " + path.error().what;
  std::string out = path->address;
  for (const auto& parameter : path->parameters) out += " | " + parameter;
  return path->utf8 ? out + " (utf8)" : out;
}
std::string sender(std::string_view argument) { return shown(parse_sender(argument)); }
std::string recipient(std::string_view argument) { return shown(parse_recipient(argument)); }

constexpr const char* kMalformed = "error: Syntax error in the address";
constexpr const char* kNoDomain = "error: An address with a domain is needed";
constexpr const char* kBadParameter = "error: Syntax error in the parameters";

TEST(Path, IsTheAddressBetweenTheBrackets) {
  EXPECT_EQ(sender("<a@example.org>"), "a@example.org");
  EXPECT_EQ(recipient("<A.b+c=d/e!f@Example.ORG>"), "A.b+c=d/e!f@Example.ORG");
  EXPECT_EQ(recipient("<#$%&'*-?^_`{|}~@example.org>"), "#$%&'*-?^_`{|}~@example.org");
  EXPECT_EQ(recipient(" \t<a@b> \t"), "a@b");
}

TEST(Path, IsNullForSendersOnly) {
  EXPECT_EQ(sender("<>"), "");
  EXPECT_EQ(sender("<> SIZE=10"), " | SIZE=10");
  EXPECT_EQ(recipient("<>"), "error: A recipient cannot be empty");
}

TEST(Path, MayLackTheBrackets) {
  EXPECT_EQ(sender("a@example.org"), "a@example.org");
  EXPECT_EQ(sender("a@example.org SIZE=1"), "a@example.org | SIZE=1");
  EXPECT_EQ(recipient("\"a b\"@example.org"), "\"a b\"@example.org");
  EXPECT_EQ(recipient("postmaster"), "postmaster");
  EXPECT_EQ(recipient("a@example.org>"), kMalformed);
  EXPECT_EQ(recipient("<a@example.org"), kMalformed);
}

TEST(Path, NeedsAnAddress) {
  for (const std::string_view argument : {"", " ", "\t"}) {
    EXPECT_EQ(sender(argument), "error: An address is needed");
    EXPECT_EQ(recipient(argument), "error: An address is needed");
  }
}

TEST(Path, NeedsADomainButForPostmaster) {
  EXPECT_EQ(recipient("<postmaster>"), "postmaster");
  EXPECT_EQ(recipient("<PostMaster>"), "PostMaster");
  EXPECT_EQ(recipient("<postmaste>"), kNoDomain);
  EXPECT_EQ(recipient("<postmasters>"), kNoDomain);
  EXPECT_EQ(recipient("<root>"), kNoDomain);
  EXPECT_EQ(sender("<postmaster>"), kNoDomain);
  EXPECT_EQ(recipient("<\"a b\">"), kNoDomain);
  EXPECT_EQ(recipient("<a@>"), kMalformed);
  EXPECT_EQ(recipient("<@example.org>"), kMalformed);
}

TEST(Path, KeepsQuotedLocalPartsAsTheyAre) {
  EXPECT_EQ(recipient(R"(<"a b"@example.org>)"), R"("a b"@example.org)");
  EXPECT_EQ(recipient(R"(<"a>b"@example.org>)"), R"("a>b"@example.org)");
  EXPECT_EQ(recipient(R"(<"a@b"@example.org>)"), R"("a@b"@example.org)");
  EXPECT_EQ(recipient(R"(<"a\"b"@example.org> NOTIFY=NEVER)"), R"("a\"b"@example.org | NOTIFY=NEVER)");
  EXPECT_EQ(recipient(R"(<"a\\"@example.org>)"), R"("a\\"@example.org)");
  EXPECT_EQ(recipient(R"(<"@x:"@example.org>)"), R"("@x:"@example.org)");
  EXPECT_EQ(recipient(R"(<""@example.org>)"), R"(""@example.org)");
}

TEST(Path, RefusesQuotesThatDoNotEndWell) {
  for (const std::string_view argument :
       {R"(<"a@example.org>)", R"(<"a\"@example.org>)", R"(<"a\)", R"(<")", R"(<"a"b@example.org>)", R"(<a"b"@example.org>)",
        "<\"a\tb\"@example.org>", "<\"a\\\tb\"@example.org>", "<\"a\\\x7f\"@example.org>", "<\"a\\\xc3\xb6\"@example.org>"})
    EXPECT_EQ(recipient(argument), kMalformed) << argument;
  EXPECT_EQ(recipient("<\"a\0\"@example.org>"sv), kMalformed);
}

TEST(Path, TakesAddressLiterals) {
  EXPECT_EQ(recipient("<a@[192.0.2.1]>"), "a@[192.0.2.1]");
  EXPECT_EQ(recipient("<a@[IPv6:2001:db8::1]>"), "a@[IPv6:2001:db8::1]");
  EXPECT_EQ(recipient("a@[192.0.2.1] X=1"), "a@[192.0.2.1] | X=1");
  for (const char* argument : {"<a@[192.0.2]>", "<a@[192.0.2.256]>", "<a@[2001:db8::1]>", "<a@[IPv6:x]>", "<a@[]>",
                               "<a@[192.0.2.1>", "<a@[tag:content]>", "<a@[192.0.2.1]x>"})
    EXPECT_EQ(recipient(argument), kMalformed) << argument;
}

TEST(Path, DropsSourceRoutes) {
  EXPECT_EQ(recipient("<@one.example:a@example.org>"), "a@example.org");
  EXPECT_EQ(recipient("<@one.example,@two.example:a@example.org> X"), "a@example.org | X");
  EXPECT_EQ(recipient("<@[IPv6:2001:db8::1]:a@example.org>"), "a@example.org");
  EXPECT_EQ(sender("@one.example:a@example.org"), "a@example.org");
  for (const char* argument : {"<@one.example>", "<@one.example:>", "<@:a@b>", "<@one.example,a@b>", "<@one.example,@:a@b>",
                               "<@>", "<@one.example@two.example:a@b>", "<@one.example,:a@b>"})
    EXPECT_EQ(recipient(argument), kMalformed) << argument;
}

TEST(Path, MarksUtf8) {
  EXPECT_EQ(recipient("<bj\xc3\xb6rn@example.org>"), "bj\xc3\xb6rn@example.org (utf8)");
  EXPECT_EQ(recipient("<a@ex\xc3\xa4mple.org>"), "a@ex\xc3\xa4mple.org (utf8)");
  EXPECT_EQ(recipient("<\"bj\xc3\xb6rn x\"@example.org>"), "\"bj\xc3\xb6rn x\"@example.org (utf8)");
  EXPECT_EQ(recipient("<\xf0\x9f\x93\xac@example.org> SMTPUTF8"), "\xf0\x9f\x93\xac@example.org | SMTPUTF8 (utf8)");
  EXPECT_EQ(recipient("<@r\xc3\xb6ute.example:a@example.org>"), "a@example.org") << "the route is no part of it";
}

TEST(Path, RefusesBytesThatAreNoUtf8) {
  for (const char* argument : {"<bj\xf6rn@example.org>", "<a\xc3@example.org>", "<a\xc0\xaf@example.org>",
                               "<a\xed\xa0\x80@example.org>", "<a@ex\xe4mple.org>", "<a\xc2\x85@example.org>"})
    EXPECT_EQ(recipient(argument), kMalformed) << argument;
}

TEST(Path, TakesWhatIsSeenInRealMail) {
  EXPECT_EQ(recipient("<a..b.@example.org>"), "a..b.@example.org");
  EXPECT_EQ(recipient("<.a@example.org>"), ".a@example.org");
  EXPECT_EQ(recipient("<a@my_host.example.org.>"), "a@my_host.example.org.");
  EXPECT_EQ(recipient("<a@localhost>"), "a@localhost");
}

TEST(Path, RefusesWhatNoAddressHolds) {
  for (const char* argument : {"<a b@example.org>", "<a@b c>",   "< a@b>",      "<a@b >",  "<a,b@c>",  "<a:b@c>", "<a;b@c>",
                               "<a\\b@c>",          "<a(b)@c>",  "<a[b]@c>",    "<a@b@c>", "<a@b..c>", "<a@.b>",  "<a@b!c>",
                               "<<a@b>>",           "<a@b>>",    "<a@b>SIZE=1", "a@b<c",   "<",        ">",       "< >",
                               "<a\tb@c>",          "<a\x7f@b>", "<>x",         "<\r@b>"})
    EXPECT_FALSE(parse_sender(argument)) << argument;
  EXPECT_FALSE(parse_sender("<a\0@b>"sv));
  EXPECT_FALSE(parse_sender("<a@b\0>"sv));
}

TEST(Path, HasALongestAddress) {
  const std::string local_part(250, 'l'), domain(261, 'd');
  EXPECT_EQ(recipient("<" + local_part + "@" + domain + ">"), local_part + "@" + domain) << "longer than it should be, but whole";
  EXPECT_EQ(recipient("<" + local_part + "x@" + domain + ">"), "error: The address is too long");
  EXPECT_EQ(recipient("<" + local_part + "@x" + domain + ">"), "error: The address is too long");
  EXPECT_EQ(recipient("<@route." + domain + ":" + local_part + "@" + domain + ">"), local_part + "@" + domain);
}

TEST(Path, GivesParametersAsTheyCame) {
  const auto path = parse_sender("<a@b> SIZE=1000 \t body=8BITMIME SMTPUTF8 AUTH=<> X-Y=a=b");
  ASSERT_TRUE(path);
  EXPECT_THAT(path->parameters, ElementsAre("SIZE=1000", "body=8BITMIME", "SMTPUTF8", "AUTH=<>", "X-Y=a=b"));
  EXPECT_THAT(parse_sender("<a@b>")->parameters, IsEmpty());
  EXPECT_EQ(recipient("<a@b> ORCPT=utf-8;bj\xc3\xb6rn@b"), "a@b | ORCPT=utf-8;bj\xc3\xb6rn@b") << "marks the address only";
}

TEST(Path, RefusesParametersThatAreNone) {
  for (const char* parameter : {"=", "=1", "SIZE=", "-X=1", "X_Y=1", "<c@d>", "(comment)", "SIZE=\x7f", "SIZE=\x01", "SIZE=\xff",
                                "S\xc3\xb6=1", "a@b", "X,"})
    EXPECT_EQ(sender("<a@b> OK=1 "s + parameter), kBadParameter) << parameter;
  EXPECT_EQ(sender("<a@b> X=\0"sv), kBadParameter);
}

TEST(Path, BoundsItsParameters) {
  std::string argument = "<a@b>";
  for (int i = 0; i < 20; ++i) argument += " X";
  const auto path = parse_sender(argument);
  ASSERT_TRUE(path);
  EXPECT_THAT(path->parameters, SizeIs(20));
  EXPECT_EQ(sender(argument + " X"), "error: Too many parameters");
}

TEST(HeloName, IsADomainOrALiteral) {
  for (const char* name : {"mx.example.org", "MX.Example.ORG", "localhost", "my_host", "a-b.c", "mx.example.org.", "1and1.com",
                           "3com", "xn--bcher-kva.example", "[192.0.2.1]", "[IPv6:2001:db8::1]"})
    EXPECT_TRUE(is_helo_name(name)) << name;
  EXPECT_TRUE(is_helo_name(std::string(255, 'a')));
}

TEST(HeloName, IsNothingElse) {
  for (const char* name : {"",
                           ".",
                           "..",
                           ".a",
                           "a..b",
                           "192.0.2.1",
                           "1",
                           "2001:db8::1",
                           "IPv6:2001:db8::1",
                           "[2001:db8::1]",
                           "[x]",
                           "[",
                           "[]",
                           "a b",
                           "a/b",
                           "b\xc3\xbc"
                           "cher.example",
                           "a@b",
                           "<a>",
                           "a\r",
                           "[192.0.2.1",
                           "192.0.2.1]",
                           "example.42."})
    EXPECT_FALSE(is_helo_name(name)) << name;
  EXPECT_FALSE(is_helo_name("a\0"sv));
  EXPECT_FALSE(is_helo_name(std::string(256, 'a')));
}

}  // namespace
}  // namespace deferd::smtp
