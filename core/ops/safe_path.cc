#include "ops/safe_path.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <vector>

#include "ops/privileges.h"

namespace deferd {
namespace {

constexpr int kMostLinks = 40;

Result<void> check_component(const std::string& path, const struct stat& status, bool last) {
  if (status.st_uid != 0 && status.st_uid != geteuid())
    return fail(Errc::invalid, path + " belongs to " + user_name(status.st_uid) + ", who could put other code there: chown " +
                                   user_name(geteuid()) + " " + path);
  const auto writers = status.st_mode & (S_IWGRP | S_IWOTH);
  if (S_ISLNK(status.st_mode) || writers == 0) return {};
  // In a sticky directory others can add, but not replace what is there, and that is checked next.
  if ((status.st_mode & S_ISVTX) != 0 && !last) return {};
  char mode[8];
  std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(status.st_mode & 07777));
  std::string wrong = path + " (mode " + mode + ") ";
  if ((status.st_mode & S_ISVTX) != 0)
    wrong += "is a place for everybody's files: put the plugin elsewhere";
  else if (writers == S_IWGRP)
    wrong += "can be written to by its group: chmod g-w " + path;
  else
    wrong += "can be written to by others: chmod go-w " + path;
  return fail(Errc::invalid, wrong);
}

/// Puts the components of `path` on top of those still to be walked; the next one is the last.
void push_components(std::vector<std::string>& todo, const std::filesystem::path& path) {
  std::vector<std::string> names;
  for (const auto& name : path.relative_path()) names.push_back(name.string());
  todo.insert(todo.end(), names.rbegin(), names.rend());
}

}  // namespace

Result<void> check_safe(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  if (error) return fail(Errc::io, path + ": " + error.message());

  std::vector<std::string> todo;
  push_components(todo, absolute);
  todo.push_back("/");
  std::filesystem::path walked;  // checked so far; without links
  int links = 0;
  while (!todo.empty()) {
    const auto name = todo.back();
    todo.pop_back();
    if (name.empty() || name == ".") continue;
    if (name == "..") {
      walked = walked.parent_path();
      continue;
    }
    const auto next = walked / name;
    struct stat status {};
    if (lstat(next.c_str(), &status) != 0)
      return fail(errno == ENOENT || errno == ENOTDIR ? Errc::not_found : Errc::io, next.string() + ": " + std::strerror(errno));
    if (auto safe = check_component(next.string(), status, todo.empty()); !safe) return safe;
    if (!S_ISLNK(status.st_mode)) {
      walked = next;
      continue;
    }
    if (++links > kMostLinks) return fail(Errc::invalid, path + ": too many symbolic links");
    const auto target = std::filesystem::read_symlink(next, error);
    if (error) return fail(Errc::io, next.string() + ": " + error.message());
    push_components(todo, target);
    if (target.is_absolute()) walked = "/";
  }
  return {};
}

}  // namespace deferd
