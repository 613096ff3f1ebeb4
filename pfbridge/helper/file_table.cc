#include "pfbridge/helper/file_table.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "pfbridge/helper/command.h"

namespace deferd::bridge {
namespace {

Result system_failure(const std::string& what) { return Result::failed(what + ": " + std::strerror(errno)); }

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(file, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

}  // namespace

// Read from the file each time: what others wrote into it counts, and nothing is kept between two changes.
Result FileTable::load(std::set<Entry>& entries) const {
  std::ifstream file(path_);
  if (!file) return errno == ENOENT ? Result{} : system_failure(path_);
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line.starts_with('#')) continue;
    const auto entry = Entry::parse(line);
    if (!entry)
      return Result::failed(path_ + ":" + std::to_string(number) + ": not an address or prefix; correct or remove the file");
    entries.insert(*entry);
  }
  if (file.bad()) return system_failure(path_);
  return {};
}

Result FileTable::store(const std::set<Entry>& entries) const {
  std::string text;
  for (const Entry& entry : entries) (text += entry.to_string()) += '\n';
  const std::string fresh = path_ + ".new";
  const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (file < 0) return system_failure(fresh);
  const bool written = write_all(file, text) && ::fsync(file) == 0;
  if (::close(file) != 0 || !written) return system_failure(fresh);
  if (::rename(fresh.c_str(), path_.c_str()) != 0) return system_failure(path_);
  if (after_.empty()) return {};
  const auto done = run_command(after_, {});
  return done.ok() ? Result{} : Result::failed(done.failure);
}

Result FileTable::add(std::span<const Row> rows) {
  std::set<Entry> entries;
  if (auto result = load(entries); !result.ok()) return result;
  const std::size_t before = entries.size();
  for (const Row& row : rows) entries.insert(row.entry);
  Result result = store(entries);
  if (result.ok()) result.changed = static_cast<std::uint32_t>(entries.size() - before);
  return result;
}

Result FileTable::remove(std::span<const Entry> gone) {
  std::set<Entry> entries;
  if (auto result = load(entries); !result.ok()) return result;
  const std::size_t before = entries.size();
  for (const Entry& entry : gone) entries.erase(entry);
  Result result = store(entries);
  if (result.ok()) result.changed = static_cast<std::uint32_t>(before - entries.size());
  return result;
}

Result FileTable::read(std::vector<Entry>& found) {
  std::set<Entry> entries;
  if (auto result = load(entries); !result.ok()) return result;
  found.insert(found.end(), entries.begin(), entries.end());
  return {{}, static_cast<std::uint32_t>(entries.size())};
}

Result FileTable::check() { return ::access(folder_of(path_).c_str(), W_OK) == 0 ? Result{} : system_failure(folder_of(path_)); }

}  // namespace deferd::bridge
