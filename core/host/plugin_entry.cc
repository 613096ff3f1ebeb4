#include "host/plugin_entry.h"

#include <algorithm>
#include <map>

namespace deferd {

using namespace std::chrono_literals;

Schema<PluginOptions> PluginOptions::schema() {
  return Schema<PluginOptions>{}
      .field("as", &PluginOptions::as, "Name of this instance in logs, metrics and the store, when a plugin is used twice.")
      .field("shadow", &PluginOptions::shadow,
             "Ask and log it, but let nothing it says or writes to a table count: a trial run on live mail.")
      .field("budget", &PluginOptions::budget, 10ms, 60s, "How long an answer is waited for.")
      .field("on_error", &PluginOptions::on_error, "What its answer counts as when it fails or is late.");
}

namespace {

PluginEntry read_entry(const Value& item, const std::string& path, Problems& problems) {
  PluginEntry entry;
  entry.mark = item.mark();
  if (item.is_text()) {  // `- tarpit` alone: all defaults
    entry.plugin = item.text();
    return entry;
  }
  if (!item.is_map()) {
    problems.error(item.mark(), path, "must be a plugin's name and its settings, such as `- greylist: {pass_time: 5m}`");
    return entry;
  }
  const auto docs = PluginOptions::schema().describe();
  Value options = Value::map();
  options.at(item.mark());
  for (std::size_t i = 0; i < item.size(); ++i) {
    const auto& key = item.key(i);
    if (std::any_of(docs.begin(), docs.end(), [&](const FieldDoc& doc) { return doc.name == key; })) {
      options.set(key, item.items()[i], item.key_mark(i));
    } else if (entry.plugin.empty()) {
      entry.plugin = key;
      entry.config = item.items()[i];
      entry.mark = item.key_mark(i);
    } else {
      problems.error(item.key_mark(i), path,
                     "'" + key + "' is no setting of the host beside '" + entry.plugin +
                         "' (as, shadow, budget, on_error); another plugin begins with a dash of its own");
    }
  }
  if (entry.plugin.empty()) problems.error(item.mark(), path, "names no plugin");
  entry.options = PluginOptions::schema().read(options, problems, path);
  return entry;
}

}  // namespace

std::vector<PluginEntry> read_plugin_entries(const Value& list, Problems& problems) {
  std::vector<PluginEntry> entries;
  if (list.is_null()) return entries;
  if (!list.is_list()) {
    problems.error(list.mark(), "plugins", "must be a list: the order says which plugin is asked first");
    return entries;
  }
  std::map<std::string, Mark> seen;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto path = "plugins[" + std::to_string(i) + "]";
    auto entry = read_entry(list.items()[i], path, problems);
    if (entry.plugin.empty()) continue;
    if (auto [first, fresh] = seen.emplace(entry.name(), entry.mark); !fresh)
      problems.error(entry.mark, path,
                     "'" + entry.name() + "' was named in line " + std::to_string(first->second.line) +
                         " already; give one of them another name with `as: NAME` beside it");
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace deferd
