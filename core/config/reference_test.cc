#include "config/reference.h"

#include <gtest/gtest.h>

namespace deferd {
namespace {

using namespace std::chrono_literals;

struct Item {
  Prefix prefix;
  bool strict = true;
  static Schema<Item> schema() {
    return Schema<Item>{}.required("prefix", &Item::prefix, "Where.").field("strict", &Item::strict, "No\\exceptions.");
  }
};

struct Documented {
  std::chrono::seconds wait = 5min;
  std::string path = "./var/db";
  std::optional<std::string> user;
  std::vector<std::string> names = {"a", "b"};
  Item one;
  std::vector<Item> many;
  std::vector<std::pair<std::string, Item>> named;
  static Schema<Documented> schema() {
    return Schema<Documented>{}
        .field("wait", &Documented::wait, 0s, 24h, "How long.")
        .field("path", &Documented::path, ".. is taken as it is.")
        .field("user", &Documented::user, "Who; a | b.")
        .field("names", &Documented::names, "Some.")
        .field("one", &Documented::one, "One of them.")
        .field("many", &Documented::many, "More of them.")
        .field("named", &Documented::named, "By name.");
  }
};

TEST(Reference, IsAMarkdownTable) {
  EXPECT_EQ(markdown_reference(Documented::schema().describe(), "plugins.x"),
            "| Setting | Type | Default | Range | Meaning |\n"
            "|---|---|---|---|---|\n"
            "| `plugins.x.wait` | duration | `5m` | 0s to 1d | How long. |\n"
            "| `plugins.x.path` | text | `./var/db` |  | .. is taken as it is. |\n"
            "| `plugins.x.user` | text |  |  | Who; a \\| b. |\n"
            "| `plugins.x.names` | list of text | `[a, b]` |  | Some. |\n"
            "| `plugins.x.one` | map |  |  | One of them. |\n"
            "| `plugins.x.one.prefix` | prefix | required |  | Where. |\n"
            "| `plugins.x.one.strict` | yes \\| no | `yes` |  | No\\exceptions. |\n"
            "| `plugins.x.many` | list of map | `[]` |  | More of them. |\n"
            "| `plugins.x.many[].prefix` | prefix | required |  | Where. |\n"
            "| `plugins.x.many[].strict` | yes \\| no | `yes` |  | No\\exceptions. |\n"
            "| `plugins.x.named` | map of map | `{}` |  | By name. |\n"
            "| `plugins.x.named.NAME.prefix` | prefix | required |  | Where. |\n"
            "| `plugins.x.named.NAME.strict` | yes \\| no | `yes` |  | No\\exceptions. |\n");
}

TEST(Reference, IsATaggedListOfMdoc) {
  const auto fields = Documented::schema().describe();
  EXPECT_EQ(mdoc_reference(std::span(fields).subspan(0, 2), ""),
            ".Bl -tag -width Ds\n"
            ".It Ic \\&wait\n"
            "How long.\n"
            "Type: duration. Default: 5m. Range: 0s to 1d.\n"
            ".It Ic \\&path\n"
            "\\&.. is taken as it is.\n"
            "Type: text. Default: ./var/db.\n"
            ".El\n");
  EXPECT_EQ(mdoc_reference(Item::schema().describe(), "one"),
            ".Bl -tag -width Ds\n"
            ".It Ic \\&one.prefix\n"
            "Where.\n"
            "Type: prefix. Required.\n"
            ".It Ic \\&one.strict\n"
            "No\\eexceptions.\n"
            "Type: yes | no. Default: yes.\n"
            ".El\n");
}

}  // namespace
}  // namespace deferd
