#include "copies.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>

namespace deferd::blacklist {
namespace {

constexpr std::string_view kEnding = ".list";
constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

/// Any name as the name of a file: %2f for a slash.
std::string file_name(std::string_view name) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (kPlain.find(c) != kPlain.npos && !(out.empty() && c == '.'))
      out += c;
    else
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
  }
  return out;
}

std::optional<std::string> name_of(std::string_view file) {
  if (!file.ends_with(kEnding)) return std::nullopt;
  file.remove_suffix(kEnding.size());
  std::string name;
  for (std::size_t i = 0; i < file.size(); ++i) {
    unsigned byte = static_cast<unsigned char>(file[i]);
    if (file[i] == '%') {
      const auto digits = file.substr(i + 1, 2);
      const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
      if (digits.size() != 2 || read.ptr != digits.data() + 2) return std::nullopt;
      i += 2;
    }
    name += static_cast<char>(byte);
  }
  return name;
}

}  // namespace

std::string Copies::path(std::string_view name) const { return folder_ + "/" + file_name(name) + std::string(kEnding); }

void Copies::remove(std::string_view name) const { ::unlink(path(name).c_str()); }

std::optional<std::uint64_t> Copies::size(std::string_view name) const {
  struct stat info {};
  if (::lstat(path(name).c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return static_cast<std::uint64_t>(info.st_size);
}

std::vector<std::string> Copies::names(std::string_view start) const {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(folder_.c_str()), &::closedir);
  while (const dirent* entry = folder ? ::readdir(folder.get()) : nullptr)
    if (auto name = name_of(entry->d_name); name && name->starts_with(start)) names.push_back(std::move(*name));
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace deferd::blacklist
