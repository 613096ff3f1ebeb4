#include "source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace deferd::blacklist {
namespace {

constexpr std::size_t kReadPiece = 256 * 1024;

std::string identity_of(const struct stat& info) {
  return std::to_string(info.st_ino) + " " + std::to_string(info.st_size) + " " + std::to_string(info.st_mtim.tv_sec) + "." +
         std::to_string(info.st_mtim.tv_nsec);
}

class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int get() const { return descriptor_; }

 private:
  const int descriptor_;
};

}  // namespace

std::optional<std::uint64_t> size_of_file(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return static_cast<std::uint64_t>(info.st_size);
}

Result<Fetched> fetch_file(const std::string& path, const Validators& known, const FetchLimits& limits, const Watch& watch) {
  const OpenFile file(path);
  struct stat info {};
  if (file.get() < 0 || ::fstat(file.get(), &info) != 0) return fail(Errc::io, path + ": " + std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return fail(Errc::io, path + ": is no ordinary file");
  Fetched fetched;
  fetched.validators.etag = identity_of(info);
  if (fetched.validators.etag == known.etag) {
    fetched.unchanged = true;
    return fetched;
  }
  watch.progress.total = static_cast<std::uint64_t>(info.st_size);
  if (watch.progress.total > limits.bytes)
    return fail(Errc::invalid, "is larger than " + std::to_string(limits.bytes) + " bytes");
  for (;;) {
    if (watch.stop) return fail(Errc::unavailable, "was stopped");
    const auto had = fetched.body.size();
    fetched.body.resize(had + kReadPiece);
    const auto got = ::read(file.get(), fetched.body.data() + had, kReadPiece);
    if (got < 0 && errno != EINTR) return fail(Errc::io, path + ": " + std::strerror(errno));
    fetched.body.resize(had + static_cast<std::size_t>(got > 0 ? got : 0));
    if (got == 0) return fetched;
    watch.progress.bytes = fetched.body.size();
    if (fetched.body.size() > limits.bytes)  // it grows while it is read
      return fail(Errc::invalid, "is larger than " + std::to_string(limits.bytes) + " bytes");
  }
}

Result<Fetched> fetch(const SourceSpec& source, const Validators& known, const FetchLimits& limits, const Watch& watch) {
  watch.progress.bytes = 0;
  watch.progress.total = 0;
  switch (source.kind) {
    case SourceSpec::Kind::file:
      return fetch_file(source.place, known, limits, watch);
    case SourceSpec::Kind::url:
      return fetch_url(source.place, known, limits, watch);
    case SourceSpec::Kind::command:
      return fetch_command(source.words, limits, watch);
    case SourceSpec::Kind::entries:
      break;
  }
  Fetched fetched;
  for (const auto& line : source.words) fetched.body += line + "\n";
  return fetched;
}

}  // namespace deferd::blacklist
