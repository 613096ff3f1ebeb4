// Finds plugin libraries, refuses those that must not or cannot run here, and hands out what they export.
#pragma once
#include <sys/stat.h>

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "deferd/plugin.h"

namespace deferd {

/// Thread-safe. A library that was handed out is never unloaded, also not with the Loader: its code may still run somewhere.
class Loader {
 public:
  /// Libraries come from these directories only, looked through in this order.
  Loader(std::vector<std::string> directories, Log& log);

  /// `name` is looked for as NAME.so; a text with a slash is a file, which must lie in one of the directories. The same library
  /// gives the same PluginInfo each time; a file replaced meanwhile is logged and counts after a restart.
  ///
  /// Errors, each with what to do about it: not_found; io (place or file not safe, not readable); invalid (not loadable, no
  /// deferd_plugin, other ABI or toolchain, name not that of the file, name taken by another file).
  /// A library runs code of its own when it is loaded; what goes wrong there (an exception of a static object) ends the process.
  Result<const PluginInfo*> load(const std::string& name_or_file);

 private:
  struct Loaded {
    std::string file;  // without links
    struct stat status;
    const PluginInfo* info;
  };

  Result<std::string> find(const std::string& name) const;
  Result<void> check_place(const std::string& file) const;
  Result<const PluginInfo*> open(const std::string& name, const std::string& file);

  const std::vector<std::string> directories_;
  Log& log_;
  std::mutex mutex_;
  std::map<std::string, Loaded, std::less<>> loaded_;  // by name
};

}  // namespace deferd
