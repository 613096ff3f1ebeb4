#include "source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "descriptor.h"

namespace deferd::blacklist {
namespace {

constexpr std::size_t kReadPiece = 256 * 1024;

std::string identity_of(const struct stat& info) {
  return std::to_string(info.st_ino) + " " + std::to_string(info.st_size) + " " + std::to_string(info.st_mtim.tv_sec) + "." +
         std::to_string(info.st_mtim.tv_nsec);
}

std::string too_large(const FetchLimits& limits) { return "is larger than " + std::to_string(limits.bytes) + " bytes"; }

}  // namespace

std::optional<std::uint64_t> size_of_file(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return static_cast<std::uint64_t>(info.st_size);
}

Result<Fetched> fetch_file(const std::string& path, const Validators& known, const FetchLimits& limits, const Watch& watch,
                           const Take& take) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0) return fail(Errc::io, path + ": " + std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return fail(Errc::io, path + ": is no ordinary file");
  Fetched fetched;
  fetched.validators.etag = identity_of(info);
  if (fetched.validators.etag == known.etag) {
    fetched.unchanged = true;
    return fetched;
  }
  watch.progress.total = static_cast<std::uint64_t>(info.st_size);
  if (watch.progress.total > limits.bytes) return fail(Errc::invalid, too_large(limits));
  std::vector<char> piece(kReadPiece);
  for (;;) {
    if (watch.stop) return fail(Errc::unavailable, "was stopped");
    const auto got = file.read(piece);
    if (got < 0) return fail(Errc::io, path + ": " + std::strerror(errno));
    if (got == 0) return fetched;
    watch.progress.bytes += static_cast<std::uint64_t>(got);
    if (watch.progress.bytes > limits.bytes) return fail(Errc::invalid, too_large(limits));  // it grows while it is read
    if (auto taken = take({piece.data(), static_cast<std::size_t>(got)}); !taken) return tl::unexpected(taken.error());
  }
}

Result<Fetched> fetch(const SourceSpec& source, const Validators& known, const FetchLimits& limits, const Watch& watch,
                      const Take& take) {
  watch.progress.bytes = 0;
  watch.progress.total = 0;
  switch (source.kind) {
    case SourceSpec::Kind::file:
      return fetch_file(source.place, known, limits, watch, take);
    case SourceSpec::Kind::url:
      return fetch_url(source.place, known, limits, watch, take);
    case SourceSpec::Kind::command:
      return fetch_command(source.words, limits, watch, take);
    case SourceSpec::Kind::entries:
      break;
  }
  for (const auto& line : source.words)
    if (auto taken = take(line + "\n"); !taken) return tl::unexpected(taken.error());
  return Fetched{};
}

}  // namespace deferd::blacklist
