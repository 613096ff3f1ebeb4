#include "host/loader.h"

#include <dlfcn.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "ops/safe_path.h"

namespace deferd {
namespace {

namespace fs = std::filesystem;

const std::string kSuffix = ".so";

bool same_file(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

bool unchanged(const struct stat& a, const struct stat& b) {
  return same_file(a, b) && a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

tl::unexpected<Error> system_failure(const std::string& file, std::error_code error) {
  const bool missing = error == std::errc::no_such_file_or_directory;
  return fail(missing ? Errc::not_found : Errc::io, file + ": " + error.message());
}

std::string join(const std::vector<std::string>& texts) {
  std::string all;
  for (const auto& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

// The plugins there are, for somebody who misspelt one.
std::string names_in(const std::vector<std::string>& directories) {
  std::vector<std::string> names;
  for (const auto& directory : directories) {
    std::error_code error;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error))
      if (entry->path().extension() == kSuffix) names.push_back(entry->path().stem().string());
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names.empty() ? "none" : join(names);
}

std::string abi(int major, int minor) { return std::to_string(major) + "." + std::to_string(minor); }

// Whether what a library exports can be used here. Looks at no member before those ahead of it are found right.
Result<void> check_info(const PluginInfo& info, const std::string& name) {
  static const std::string rebuild = "; rebuild it with the SDK of this deferd";

  // Of another release only these two members are known to be where we look for them.
  if (info.abi_major != DEFERD_PLUGIN_ABI_MAJOR || info.abi_minor > DEFERD_PLUGIN_ABI_MINOR)
    return fail(Errc::invalid, "built for plugin ABI " + abi(info.abi_major, info.abi_minor) + ", this deferd offers " +
                                   abi(DEFERD_PLUGIN_ABI_MAJOR, 0) + " to " +
                                   abi(DEFERD_PLUGIN_ABI_MAJOR, DEFERD_PLUGIN_ABI_MINOR) + rebuild);
  if (info.size != sizeof(PluginInfo))
    return fail(Errc::invalid, "its deferd_plugin has " + std::to_string(info.size) + " bytes, this deferd's has " +
                                   std::to_string(sizeof(PluginInfo)) + rebuild);
  const std::string toolchain = info.toolchain != nullptr ? info.toolchain : "";
  if (toolchain != kToolchain)
    return fail(Errc::invalid, "built with '" + toolchain + "', this deferd with '" + kToolchain + "'" + rebuild);
  if (info.name == nullptr || info.version == nullptr || info.make == nullptr || info.check == nullptr ||
      info.describe == nullptr)
    return fail(Errc::invalid, "its deferd_plugin is incomplete; export it with DEFERD_PLUGIN");
  if (info.name != name)
    return fail(Errc::invalid, "holds a plugin that calls itself '" + std::string(info.name) + "', not '" + name +
                                   "'; a library is named after its plugin: " + info.name + kSuffix);
  return {};
}

}  // namespace

Loader::Loader(std::vector<std::string> directories, Log& log) : directories_(std::move(directories)), log_(log) {}

Result<const PluginInfo*> Loader::load(const std::string& name_or_file) {
  const std::lock_guard lock(mutex_);
  if (directories_.empty())
    return fail(Errc::not_found, "no plugin '" + name_or_file + "': plugin_dirs names no directory to look in");
  const bool is_file = name_or_file.find('/') != std::string::npos;
  const auto file = is_file ? Result<std::string>(name_or_file) : find(name_or_file);
  if (!file) return tl::unexpected(file.error());
  const std::string name = is_file ? fs::path(name_or_file).stem().string() : name_or_file;

  std::error_code error;
  const std::string real = fs::canonical(*file, error).string();
  if (error) return system_failure(*file, error);
  struct stat status {};
  if (::stat(real.c_str(), &status) != 0) return system_failure(*file, {errno, std::generic_category()});
  if (auto place = check_place(*file); !place) return tl::unexpected(place.error());

  if (const auto known = loaded_.find(name); known != loaded_.end()) {
    const auto& loaded = known->second;
    if (loaded.file != real && !same_file(loaded.status, status))
      return fail(Errc::invalid, *file + ": a plugin '" + name + "' is already loaded from " + loaded.file +
                                     "; remove or rename one of the two");
    if (!unchanged(loaded.status, status))
      log_.warning("plugin.replaced", {{"plugin", name}, {"file", real}, {"remedy", "restart deferd to use the new file"}});
    return loaded.info;
  }
  auto info = open(name, real);
  if (info) loaded_.emplace(name, Loaded{real, status, *info});
  return info;
}

Result<std::string> Loader::find(const std::string& name) const {
  for (const auto& directory : directories_) {
    const auto file = directory + "/" + name + kSuffix;
    std::error_code error;
    if (fs::exists(file, error)) return file;
    if (error) return system_failure(file, error);
  }
  return fail(Errc::not_found, "no plugin '" + name + "': looked for " + name + kSuffix + " in " + join(directories_) +
                                   "; there are: " + names_in(directories_));
}

// Of the file as written, not only of what it leads to: a link in a directory of somebody else may lead anywhere.
Result<void> Loader::check_place(const std::string& file) const {
  const auto parent = fs::absolute(file).parent_path();
  const bool configured = std::any_of(directories_.begin(), directories_.end(), [&](const std::string& directory) {
    std::error_code error;
    return fs::equivalent(parent, directory, error);
  });
  if (!configured)
    return fail(Errc::invalid, file + ": plugins are loaded only from " + join(directories_) +
                                   "; install it there, or add its directory to plugin_dirs");
  return check_safe(file);
}

Result<const PluginInfo*> Loader::open(const std::string& name, const std::string& file) {
  void* library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return fail(Errc::invalid, std::string(::dlerror()) + "; not a plugin built for this system");
  const auto* info = static_cast<const PluginInfo*>(::dlsym(library, "deferd_plugin"));
  auto usable = info != nullptr ? check_info(*info, name)
                                : Result<void>(fail(Errc::invalid,
                                                    "exports no deferd_plugin, so it is no plugin of deferd; "
                                                    "export one with DEFERD_PLUGIN"));
  if (!usable) {
    auto message = file + ": " + usable.error().what;
    ::dlclose(library);  // so that a repaired file can be loaded without a restart
    return fail(Errc::invalid, std::move(message));
  }
  log_.info("plugin.loaded", {{"plugin", name}, {"version", info->version}, {"file", file}});
  return info;
}

}  // namespace deferd
