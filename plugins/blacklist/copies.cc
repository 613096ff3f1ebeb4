#include "copies.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace deferd::blacklist {
namespace {

constexpr std::string_view kFirstLine = "deferd list 1";
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

/// One line, whatever the source calls itself.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text;
}

Error error_of(const std::string& path) { return {Errc::io, path + ": " + std::strerror(errno)}; }

Result<void> write_all(int descriptor, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const auto written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return tl::unexpected(error_of(path));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

/// A new file, mode 0600; the X at the end of `path` become whatever no other file is called.
Result<void> write_file(std::string& path, std::string_view head, std::string_view body) {
  const int descriptor = ::mkostemp(path.data(), O_CLOEXEC);
  if (descriptor < 0) return tl::unexpected(error_of(path));
  auto done = write_all(descriptor, head, path);
  if (done) done = write_all(descriptor, body, path);
  if (done && ::fsync(descriptor) != 0) done = tl::unexpected(error_of(path));
  ::close(descriptor);
  return done;
}

Result<std::string> read_file(const std::string& path, Time& modified) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0) {
    auto error = error_of(path);
    if (errno == ENOENT) error.code = Errc::not_found;
    return tl::unexpected(std::move(error));
  }
  struct stat info {};
  std::string text;
  ssize_t got = ::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode) ? 1 : -1;
  if (got > 0) text.resize(static_cast<std::size_t>(info.st_size));
  std::size_t have = 0;
  while (got > 0 && have < text.size()) {
    got = ::read(descriptor, text.data() + have, text.size() - have);
    if (got < 0 && errno == EINTR)
      got = 1;
    else if (got > 0)
      have += static_cast<std::size_t>(got);
  }
  ::close(descriptor);
  if (got < 0) return fail(Errc::io, path + ": cannot be read");
  text.resize(have);
  modified = Time(Duration(info.st_mtim.tv_sec));
  return text;
}

void set_modified(const std::string& path, Time time) {
  timespec times[2]{};
  times[0].tv_nsec = UTIME_OMIT;
  times[1].tv_sec = time.time_since_epoch().count();
  ::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW);
}

}  // namespace

std::string Copies::path(std::string_view name) const { return folder_ + "/" + file_name(name) + std::string(kEnding); }

Result<void> Copies::write(std::string_view name, const Copy& copy) const {
  if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) return tl::unexpected(error_of(folder_));
  const auto place = path(name);
  auto fresh = place + ".XXXXXX";
  const std::string head = std::string(kFirstLine) + "\nsource " + one_line(copy.source) + "\nfetched " +
                           std::to_string(copy.fetched.time_since_epoch().count()) + "\netag " + one_line(copy.validators.etag) +
                           "\nmodified " + one_line(copy.validators.modified) + "\n\n";
  if (auto written = write_file(fresh, head, copy.body); !written) {
    ::unlink(fresh.c_str());
    return written;
  }
  set_modified(fresh, copy.checked);
  if (::rename(fresh.c_str(), place.c_str()) == 0) return {};
  auto error = error_of(place);
  ::unlink(fresh.c_str());
  return tl::unexpected(std::move(error));
}

void Copies::touch(std::string_view name, Time checked) const { set_modified(path(name), checked); }

void Copies::remove(std::string_view name) const { ::unlink(path(name).c_str()); }

Result<Copy> Copies::read(std::string_view name) const {
  const auto place = path(name);
  Copy copy;
  auto text = read_file(place, copy.checked);
  if (!text) return tl::unexpected(text.error());
  const auto bad = fail(Errc::corrupt, place + ": is no copy of a list");
  const auto end = text->find("\n\n");
  if (end == text->npos || !text->starts_with(kFirstLine)) return bad;
  std::string_view head(text->data(), end + 1);
  while (!head.empty()) {
    const auto line = head.substr(0, head.find('\n'));
    head.remove_prefix(line.size() + 1);
    const auto blank = std::min(line.find(' '), line.size());
    const auto key = line.substr(0, blank);
    const auto value = line.substr(std::min(blank + 1, line.size()));
    if (key == "source") copy.source = value;
    if (key == "etag") copy.validators.etag = value;
    if (key == "modified") copy.validators.modified = value;
    Duration::rep seconds = 0;
    if (key == "fetched" && std::from_chars(value.data(), value.data() + value.size(), seconds).ec == std::errc())
      copy.fetched = Time(Duration(seconds));
  }
  text->erase(0, end + 2);
  copy.body = std::move(*text);
  return copy;
}

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
