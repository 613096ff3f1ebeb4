// Any bytes give a tree or a problem. The tree printed as JSON, which is YAML too, reads as the same tree. Whatever a schema
// makes of it, its problems are one line each.
#include <algorithm>

#include "config/yaml.h"
#include "require.h"

using namespace deferd;

namespace {

struct Item {
  Prefix prefix;
  std::vector<std::string> names;
  static Schema<Item> schema() { return Schema<Item>{}.required("prefix", &Item::prefix, "").field("names", &Item::names, ""); }
};

struct Config {
  std::chrono::seconds time{};
  int number = 0;
  double share = 0;
  bool flag = false;
  std::optional<Address> address;
  std::vector<Item> items;
  std::vector<std::pair<std::string, std::chrono::milliseconds>> map;
  static Schema<Config> schema() {
    return Schema<Config>{}
        .field("time", &Config::time, std::chrono::seconds(1), std::chrono::hours(1), "")
        .field("number", &Config::number, "")
        .field("share", &Config::share, 0.0, 1.0, "")
        .field("flag", &Config::flag, "")
        .field("address", &Config::address, "")
        .field("items", &Config::items, "")
        .field("map", &Config::map, "");
  }
};

bool same(const Value& a, const Value& b) {
  if (a.kind() != b.kind() || a.size() != b.size() || (a.is_text() && a.text() != b.text())) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!same(a.items()[i], b.items()[i]) || (a.is_map() && a.key(i) != b.key(i))) return false;
  return true;
}

bool has_long_key(const Value& value) {
  for (std::size_t i = 0; i < value.size(); ++i)
    if (has_long_key(value.items()[i]) || (value.is_map() && value.key(i).size() > 100)) return true;
  return false;
}

void check_lines(const Problems& problems) {
  const std::string text = problems.to_string("file");
  REQUIRE(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) == problems.list().size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Problems problems;
  const auto value = parse_yaml({reinterpret_cast<const char*>(data), size}, problems);
  REQUIRE(value.has_value() != problems.failed());
  check_lines(problems);
  if (!value) return 0;

  Problems wrong;
  Config::schema().read(*value, wrong);
  check_lines(wrong);

  if (has_long_key(*value)) return 0;  // YAML takes no long keys between braces
  Problems none;
  const auto again = parse_yaml(value->to_json(), none);
  REQUIRE(again && same(*value, *again));
  return 0;
}
