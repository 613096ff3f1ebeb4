#include "pfbridge/config.h"

#include <algorithm>
#include <set>

namespace deferd::pfbridge {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kLongestName = 255;  // protocol.md

void check_place(const Value& map, const char* key, const std::string& path, Problems& problems, bool several) {
  const Value* value = map.find(key);
  if (value == nullptr || value->is_null()) return;
  const auto where = detail::join_path(path, key);
  if (several) {
    if (auto read = HelperPlace::read_all(*value); !read) problems.error(value->mark(), where, read.error().what);
  } else if (auto read = HelperPlace::read(*value); !read) {
    problems.error(value->mark(), where, read.error().what);
  }
}

void check_config(const Config& config, const Value& value, const std::string& path, Problems& problems) {
  check_place(value, "helper", path, problems, true);
  if (config.helper.is_null()) problems.error(value.mark(), detail::join_path(path, "helper"), "names no helper");
  if (const Value* watch = value.find("watch"); watch != nullptr && watch->is_map())
    check_place(*watch, "helper", detail::join_path(path, "watch"), problems, false);
  const auto helpers = HelperPlace::read_all(config.helper);
  const auto captures = HelperPlace::read(config.watch.helper);
  if (helpers && captures && std::find(helpers->begin(), helpers->end(), *captures) != helpers->end())
    problems.error(value.mark(), detail::join_path(path, "watch.helper"), "one helper changes tables, another one captures");
  std::set<std::string> used;
  for (const auto& [name, theirs] : config.tables) {
    const auto where = detail::join_path(path, "tables");
    const Mark mark = value.find("tables")->find(name)->mark();
    if (!set_named(name)) problems.error(mark, where, detail::quote(name) + " is none of white, trapped, black, exempt");
    if (theirs.empty() || theirs.size() > kLongestName)
      problems.error(mark, where, "the name of a helper's table has 1 to 255 bytes");
    else if (!used.insert(theirs).second)
      problems.error(mark, where, "the helper's table " + detail::quote(theirs) + " can hold one of ours only");
  }
}

}  // namespace

Schema<GuardConfig> GuardConfig::schema() {
  return Schema<GuardConfig>{}
      .field("percent", &GuardConfig::percent, 0u, 100u, "More of a table than that is not removed without a reason,")
      .field("at_least", &GuardConfig::at_least, 1u, 100'000'000u, "if it is at least so many entries.");
}

Schema<Config> Config::schema() {
  return Schema<Config>{}
      .required("helper", &Config::helper,
                "Where deferd-helper is: unix:/path, or the words of a command that is started; or a list of these.")
      .field("tables", &Config::tables,
             "Which of the helper's tables hold white, trapped, black and exempt; without: those of the same name.")
      .field("keep_foreign", &Config::keep_foreign, "Leave alone what others put into white and trapped.")
      .field("reconcile", &Config::reconcile, 1min, std::chrono::hours{24 * 7}, "How often tables are read back and repaired.")
      .field("guard", &Config::guard, "When repairing stops, and waits for an operator.")
      .field("lease", &Config::lease, 0s, std::chrono::hours{24},
             "A client of the SMTP front end that is let in because plugins fail is white for so long; 0s: never.")
      .field("watch", &Config::watch, "What is learned from connections that the packet filter let through.")
      .check(check_config);
}

Settings Settings::of(const Config& config) {
  Settings settings;
  settings.helpers = or_throw(HelperPlace::read_all(config.helper));
  for (const auto& [name, theirs] : config.tables)
    if (const auto set = set_named(name)) settings.tables.by_name.emplace_back(*set, theirs);
  settings.rules = {config.keep_foreign, config.reconcile, config.guard.percent, config.guard.at_least};
  if (!config.watch.helper.is_null()) settings.watch = or_throw(HelperPlace::read(config.watch.helper));
  return settings;
}

}  // namespace deferd::pfbridge
