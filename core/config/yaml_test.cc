#include "config/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace deferd {
namespace {

/// The tree as JSON, or the problems.
std::string read(std::string_view text) {
  Problems problems;
  const auto value = parse_yaml(text, problems);
  EXPECT_NE(value.has_value(), problems.failed());
  return value ? value->to_json() : problems.to_string("f");
}

std::string place(const Value& value) { return std::to_string(value.mark().line) + ':' + std::to_string(value.mark().column); }

TEST(Yaml, MakesEveryScalarText) {
  EXPECT_EQ(read("a: 5m\nb: [1, yes, \"x y\", 'z']\nc: {d: 127.0.0.0/8, e: \"::1\"}\n"),
            R"({"a":"5m","b":["1","yes","x y","z"],"c":{"d":"127.0.0.0/8","e":"::1"}})");
}

TEST(Yaml, MakesNothingNull) {
  EXPECT_EQ(read("a:\nb: ~\nc: null\nd: \"\"\ne: '~'\nf: [~]\n"), R"({"a":null,"b":null,"c":null,"d":"","e":"~","f":[null]})");
}

TEST(Yaml, TakesAnEmptyFileForNull) {
  for (const std::string_view text : {"", "\n\n", "# nothing but a remark\n", "---\n", "\xef\xbb\xbf"})
    EXPECT_EQ(read(text), "null") << text;
}

TEST(Yaml, ReadsBlockTexts) {
  EXPECT_EQ(read("a: |\n  one\n  two\nb: >-\n  one\n  two\n"), R"({"a":"one\ntwo\n","b":"one two"})");
}

TEST(Yaml, TellsPlacesFromOne) {
  Problems problems;
  const auto value = parse_yaml("a: 1\n\nb:\n  - x\n  - y: 2\n    z:\nc:\n", problems);
  ASSERT_TRUE(value);
  EXPECT_EQ(place(*value), "1:1");
  EXPECT_EQ(place(*value->find("a")), "1:4");
  const Value& list = *value->find("b");
  EXPECT_EQ(place(list.items()[0]), "4:5");
  EXPECT_EQ(place(*list.items()[1].find("y")), "5:8");
  EXPECT_EQ(list.items()[1].key_mark(1).line, 6U);
  EXPECT_EQ(place(*list.items()[1].find("z")), "6:5") << "a value that is not there is where its key is";
  EXPECT_EQ(place(*value->find("c")), "7:1");
}

TEST(Yaml, TakesWindowsLinesAndAByteOrderMark) {
  EXPECT_EQ(read("\xef\xbb\xbf"
                 "a: 1\r\nb:\r\n  - x\r\n"),
            R"({"a":"1","b":["x"]})");
  EXPECT_EQ(read("\xef\xbb\xbf"
                 "a: 1\r\na: 2\r\n"),
            "f:2:1: duplicate key 'a'; first given in line 1\n");
}

TEST(Yaml, RefusesDuplicateKeysWhereverTheyAre) {
  EXPECT_EQ(read("a: 1\nb:\n  c: 1\n  \"c\": 2\n  c: 3\nd: [{e: 1, e: 2}]\na: 2\n"),
            "f:4:3: b: duplicate key 'c'; first given in line 3\n"
            "f:5:3: b: duplicate key 'c'; first given in line 3\n"
            "f:6:12: d[0]: duplicate key 'e'; first given in line 6\n"
            "f:7:1: duplicate key 'a'; first given in line 1\n");
}

TEST(Yaml, LooksIntoTheValueOfADuplicateKey) {
  EXPECT_EQ(read("a: 1\na: {b: 1, b: 2}\n"),
            "f:2:1: duplicate key 'a'; first given in line 1\n"
            "f:2:11: a: duplicate key 'b'; first given in line 2\n");
}

TEST(Yaml, RefusesKeysThatAreNoText) {
  EXPECT_EQ(read("? [a]\n: b\n? {c: d}\n: e\n~: f\n"),
            "f:1:3: a key must be a plain text, not a list\n"
            "f:3:3: a key must be a plain text, not a map\n"
            "f:5:1: a key must be a plain text, not nothing\n");
}

TEST(Yaml, RefusesAnchorsAliasesAndTags) {
  EXPECT_EQ(read("a: &x [1]\nb: *x\nc: !!int 5\nd: !own {e: 1}\nf: {<<: *x}\n"),
            "f:1:4: a: anchors (&name) are not supported: write the value out where it is needed\n"
            "f:2:4: b: aliases (*name) are not supported: write the value out\n"
            "f:3:4: c: tags ('tag:yaml.org,2002:int') are not supported: the setting decides its type\n"
            "f:4:4: d: tags ('!own') are not supported: the setting decides its type\n"
            "f:5:9: f.<<: aliases (*name) are not supported: write the value out\n");
}

TEST(Yaml, RefusesAnAliasBombAtOnce) {
  std::string text = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 60; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + ", " + before + "]\n";
  }
  Problems problems;
  EXPECT_FALSE(parse_yaml(text, problems));
  EXPECT_EQ(problems.list().size(), 60U + 2 * 59);
}

TEST(Yaml, RefusesASecondDocument) {
  EXPECT_EQ(read("a: 1\n---\nb: 2\n"), "f:2:1: something follows the end of the configuration: a file holds one document\n");
  EXPECT_EQ(read("a: 1\n...\n"), R"({"a":"1"})");
}

TEST(Yaml, RefusesWhatIsNestedTooDeep) {
  const auto nested = [](int levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  EXPECT_EQ(read(nested(64)), nested(64));
  EXPECT_EQ(read(nested(65)), "f:1:65: nested deeper than 64 levels\n");
  EXPECT_THAT(read(std::string(1'000'000, '[')), testing::EndsWith(": nested deeper than 64 levels\n"));
  EXPECT_THAT(read(std::string(1'000'000, '{')), testing::EndsWith(": nested deeper than 64 levels\n"));
}

TEST(Yaml, FindsTheDoubleAmongManyKeys) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "k" + std::to_string(i) + ":\n";
  EXPECT_EQ(read(text + "k7:\n"), "f:20001:1: duplicate key 'k7'; first given in line 8\n");
}

TEST(Yaml, RefusesAFileThatIsTooLarge) { EXPECT_EQ(read(std::string((16 << 20) + 1, '#')), "f: is larger than 16 MiB\n"); }

TEST(Yaml, RefusesBytesThatAreNoText) {
  EXPECT_EQ(read("a: 1\nb: \xff\n"), "f:2:4: not UTF-8 text\n");
  EXPECT_EQ(read(std::string_view("\xff\xfe"
                                  "a\0",
                                  4)),
            "f:1:1: not UTF-8 text\n")
      << "UTF-16";
  EXPECT_EQ(read("a: 1\n\x04"
                 "b: 2\n"),
            "f:2:1: a control character '\\x04'\n")
      << "yaml-cpp would end the file here";
  EXPECT_EQ(read(std::string_view("a: \0", 4)), "f:1:4: a control character '\\x00'\n");
  EXPECT_EQ(read("a: \"\\0\"\n"), "f:1:4: a: holds a NUL character\n");
}

TEST(Yaml, RefusesAQuoteThatIsNeverClosed) {
  const std::string never = "a: the quote opened here is never closed\n";
  EXPECT_EQ(read("a: \"x\nb: 1\n"), "f:1:4: " + never);
  EXPECT_EQ(read("a: 'x\nb: it''s\n"), "f:1:4: " + never);
  EXPECT_EQ(read("a: \"x\\\"\nb: 1\n"), "f:1:4: " + never);
  EXPECT_EQ(read("a: \"x"), "f:1:6: not YAML (illegal EOF in scalar): a quote is never closed\n");
  EXPECT_EQ(read("a: 'it''s'\nb: \"\\\"\"\nc: ''\n"), R"({"a":"it's","b":"\"","c":""})");
}

TEST(Yaml, TellsWhatToDoAboutTabs) {
  const std::string tab = "a tab where lines are indented: YAML takes blanks only\n";
  EXPECT_EQ(read("a:\n\tb: 1\n"), "f:2:3: " + tab);
  EXPECT_EQ(read("a: 1\n\tb: 1\n"), "f:2:1: " + tab);
  EXPECT_EQ(read("a:\n - x\n -\ty: 1\n"), "f:3:5: " + tab);
  EXPECT_EQ(read("a:\t1\t# a tab is as good as a blank here\n"), R"({"a":"1"})");
}

TEST(Yaml, TellsWhatToDoAboutSyntaxErrors) {
  const std::string indent =
      "not YAML (illegal map value): indent it as the settings beside it; a text with ': ' in it needs quotes\n";
  EXPECT_EQ(read("a: 1\n b: 2\n"), "f:2:3: " + indent);
  EXPECT_EQ(read("a: b: c\n"), "f:1:5: " + indent);
  EXPECT_EQ(read("a: [1\n"), "f:2:1: not YAML (end of sequence flow not found): a list that was opened with [ is not closed\n");
  EXPECT_EQ(read("a: {b: 1\n"), "f:2:1: not YAML (end of map flow not found): a map that was opened with { is not closed\n");
  EXPECT_EQ(read("a: @b\n"), "f:1:4: not YAML (unknown token): a text that starts with %, @ or ` needs quotes\n");
  EXPECT_EQ(read("a: 1\n}\n"), "f:2:1: not YAML: illegal flow end\n");
  EXPECT_EQ(read("a: \"\\d\"\n"),
            "f:1:7: not YAML (unknown escape character: d): a backslash in a text is written as it is between single quotes\n");
}

TEST(Yaml, KeepsWhatItFoundBeforeASyntaxError) {
  EXPECT_EQ(read("a: 1\na: 2\nb: [\n"),
            "f:2:1: duplicate key 'a'; first given in line 1\n"
            "f:4:1: not YAML (end of sequence flow not found): a list that was opened with [ is not closed\n");
}

class YamlFile : public testing::Test {
 protected:
  YamlFile() {
    std::string name = (std::filesystem::temp_directory_path() / "deferd-yaml-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~YamlFile() override { std::filesystem::remove_all(folder_); }

  std::string load(const std::string& path) {
    Problems problems;
    const auto value = load_yaml(path, problems);
    return value ? value->to_json() : problems.to_string("f");
  }

  std::filesystem::path folder_;
};

TEST_F(YamlFile, IsRead) {
  const auto path = folder_ / "a.yaml";
  std::ofstream(path) << "a: [" << std::string(40'000, '#').replace(0, 1, "1") << "]\n";
  EXPECT_EQ(load(path), R"({"a":["1)" + std::string(39'999, '#') + "\"]}");
}

TEST_F(YamlFile, ThatIsMissingIsAProblemWithARemedy) {
  EXPECT_EQ(load(folder_ / "none.yaml"), "f: cannot be read: No such file or directory; name the configuration with -c FILE\n");
}

TEST_F(YamlFile, ThatIsAFolderIsAProblem) { EXPECT_EQ(load(folder_), "f: cannot be read: Is a directory\n"); }

TEST_F(YamlFile, WithoutEndIsRefused) { EXPECT_EQ(load("/dev/zero"), "f: is larger than 16 MiB\n"); }

}  // namespace
}  // namespace deferd
