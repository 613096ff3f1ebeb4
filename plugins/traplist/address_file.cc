#include "address_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "address_set.h"

namespace deferd::traplist {
namespace {

constexpr std::size_t kPiece = 1 << 20;
constexpr std::size_t kLongestLine = 64 * 1024;

tl::unexpected<Error> failed(const std::string& path) { return fail(Errc::io, path + ": " + std::strerror(errno)); }

struct File {
  explicit File(const std::string& path) : descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (descriptor >= 0) ::close(descriptor);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  const int descriptor;
};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v'; }

void take_line(std::string_view line, std::size_t number, const TakeWord& take) {
  if (line.empty() || line.front() == '#' || is_blank(line.front())) return;
  const auto end = std::find_if(line.begin(), line.end(), is_blank);
  take(line.substr(0, static_cast<std::size_t>(end - line.begin())), number);
}

}  // namespace

Result<FileIdentity> identify_file(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return failed(path);
  if (S_ISDIR(found.st_mode)) return fail(Errc::io, path + ": is a directory");
  return FileIdentity{static_cast<std::uint64_t>(found.st_dev), static_cast<std::uint64_t>(found.st_ino), found.st_size,
                      static_cast<std::int64_t>(found.st_mtim.tv_sec) * 1'000'000'000 + found.st_mtim.tv_nsec};
}

Result<void> read_address_file(const std::string& path, const TakeWord& take) {
  const File file(path);
  if (file.descriptor < 0) return failed(path);
  std::string buffer;
  std::size_t line = 1;
  std::size_t kept = 0;  // bytes at the front of `buffer` that are the beginning of a line
  while (true) {
    buffer.resize(kept + kPiece);
    const auto got = ::read(file.descriptor, buffer.data() + kept, kPiece);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(path);
    std::string_view rest(buffer.data(), kept + static_cast<std::size_t>(got));
    for (auto end = rest.find('\n'); end != rest.npos; end = rest.find('\n')) {
      take_line(rest.substr(0, end), line++, take);
      rest.remove_prefix(end + 1);
    }
    if (got == 0) {
      take_line(rest, line, take);
      return {};
    }
    if (rest.size() > kLongestLine)
      return fail(Errc::io, path + ":" + std::to_string(line) + ": a line of more than 65536 bytes: this is no list");
    kept = rest.size();
    std::memmove(buffer.data(), rest.data(), kept);
  }
}

std::string wrong_address(std::string_view word) {
  if (word.size() > kAddressMax) return "is longer than any mail address";
  const auto bad = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; };
  if (std::any_of(word.begin(), word.end(), bad)) return "has control characters";
  if (word.starts_with('/') || word.starts_with('*')) return "is a pattern; only addresses can be listed";
  const auto domain = domain_of(word);
  if (word == "@") return "is no mail address";
  if (domain.find("..") != domain.npos || domain.starts_with('.')) return "has no domain after the @";
  return {};
}

}  // namespace deferd::traplist
