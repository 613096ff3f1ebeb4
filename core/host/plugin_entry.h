// One entry of `plugins:` in the configuration: which plugin, its own settings, and the host's settings for it.
//
//   plugins:
//     - greylist: {pass_time: 5m}     # the plugin's name and its own settings
//       as: strict                    # the host's settings stand beside it
//       shadow: yes
#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "deferd/schema.h"

namespace deferd {

enum class OnError : std::uint8_t { pass, defer };
template <>
struct Choices<OnError> {
  static constexpr std::pair<std::string_view, OnError> values[] = {{"pass", OnError::pass}, {"defer", OnError::defer}};
};

/// The host's settings for one plugin.
struct PluginOptions {
  std::string as;  ///< Name of this instance in logs, metrics and the store; default the plugin's.
  bool shadow = false;
  std::chrono::milliseconds budget{1000};
  OnError on_error = OnError::pass;
  static Schema<PluginOptions> schema();
};

struct PluginEntry {
  std::string plugin;  ///< The library's name.
  PluginOptions options;
  Value config;
  Mark mark;  ///< Of the plugin's name.

  const std::string& name() const { return options.as.empty() ? plugin : options.as; }
};

/// Reads the list under `plugins:`; two entries of one name are an error that shows how to give one another.
std::vector<PluginEntry> read_plugin_entries(const Value& list, Problems& problems);

}  // namespace deferd
