#include "copy_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace deferd::blacklist {
namespace {

constexpr std::string_view kFirstLine = "deferd list 1\n";
constexpr std::string_view kHeadEnd = "\n\n";
constexpr std::size_t kHeadRoom = 4096;  // beside the source; what a server says of a list is shorter
constexpr std::size_t kLargestHead = 1 << 20;
constexpr std::size_t kCopyPiece = 256 * 1024;
constexpr std::string_view kUnique = "XXXXXX";         // of mkostemp(3)
constexpr auto kLongestFetch = std::chrono::hours(2);  // more than `timeout` may be

/// One line, whatever the source calls itself.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text;
}

Error file_error(const std::string& path) { return {Errc::io, path + ": " + std::strerror(errno)}; }

Result<void> write_all(const Descriptor& file, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const auto written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return tl::unexpected(file_error(path));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

/// The lines of a head. Keys that a reader does not know are nothing to it.
CopyHead parse_head(std::string_view lines) {
  CopyHead head;
  while (!lines.empty()) {
    const auto line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    const auto blank = std::min(line.find(' '), line.size());
    const auto key = line.substr(0, blank);
    const auto value = line.substr(std::min(blank + 1, line.size()));
    if (key == "source") head.source = value;
    if (key == "etag") head.validators.etag = value;
    if (key == "modified") head.validators.modified = value;
    Duration::rep seconds = 0;
    if (key == "fetched" && std::from_chars(value.data(), value.data() + value.size(), seconds).ec == std::errc())
      head.fetched = Time(Duration(seconds));
  }
  return head;
}

}  // namespace

void set_checked(const std::string& path, Time checked) {
  timespec times[2]{};
  times[0].tv_nsec = UTIME_OMIT;
  times[1].tv_sec = checked.time_since_epoch().count();
  ::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW);
}

Result<KeptCopy> KeptCopy::open(const std::string& path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file) {
    auto error = file_error(path);
    if (errno == ENOENT) error.code = Errc::not_found;
    return tl::unexpected(std::move(error));
  }
  struct stat info {};
  if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return fail(Errc::io, path + ": cannot be read");
  KeptCopy copy(path, std::move(file));
  if (auto read = copy.read_head(std::vector<char>(kCopyPiece)); !read) return tl::unexpected(read.error());
  copy.head_.checked = Time(Duration(info.st_mtim.tv_sec));
  return copy;
}

/// Nothing at the end.
Result<std::string_view> KeptCopy::next(std::vector<char>& piece) const {
  const auto got = file_.read(piece);
  if (got < 0) return tl::unexpected(file_error(path_));
  return std::string_view(piece.data(), static_cast<std::size_t>(got));
}

Result<void> KeptCopy::read_head(std::vector<char> piece) {
  auto end = begun_.npos;
  for (bool more = true; more && end == begun_.npos && begun_.size() < kLargestHead;) {
    const auto bytes = next(piece);
    if (!bytes) return tl::unexpected(bytes.error());
    more = !bytes->empty();
    begun_ += *bytes;
    end = begun_.find(kHeadEnd);
  }
  if (end == begun_.npos || !begun_.starts_with(kFirstLine)) return fail(Errc::corrupt, path_ + ": is no copy of a list");
  head_ = parse_head(std::string_view(begun_).substr(0, end));
  begun_.erase(0, end + kHeadEnd.size());
  return {};
}

Result<void> KeptCopy::read(const Take& take) {
  if (auto taken = take(begun_); !taken) return taken;
  std::vector<char> piece(kCopyPiece);
  for (;;) {
    const auto bytes = next(piece);
    if (!bytes) return tl::unexpected(bytes.error());
    if (bytes->empty()) return {};
    if (auto taken = take(*bytes); !taken) return taken;
  }
}

NewCopy::NewCopy(std::string folder, std::string path, std::string source)
    : folder_(std::move(folder)),
      path_(std::move(path)),
      source_(one_line(std::move(source))),
      room_(kHeadRoom + source_.size()) {}

NewCopy::~NewCopy() {
  if (!fresh_.empty()) ::unlink(fresh_.c_str());
}

/// What a daemon that was killed while a list came has left here. Another one's may be on its way, but not for so long.
void NewCopy::remove_leftovers() const {
  namespace fs = std::filesystem;
  const auto begins = fs::path(path_).filename().string() + '.';
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const auto name = entry.path().filename().string();
    if (name.size() != begins.size() + kUnique.size() || !name.starts_with(begins)) continue;
    const auto written = entry.last_write_time(error);
    if (!error && fs::file_time_type::clock::now() - written > kLongestFetch) fs::remove(entry.path(), error);
  }
}

/// A new file, mode 0600, that is called as no other.
Result<void> NewCopy::begin() {
  if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) return tl::unexpected(file_error(folder_));
  remove_leftovers();
  auto name = path_ + "." + std::string(kUnique);
  file_ = Descriptor(::mkostemp(name.data(), O_CLOEXEC));
  if (!file_) return tl::unexpected(file_error(name));
  fresh_ = std::move(name);
  if (::lseek(file_.get(), static_cast<off_t>(room_), SEEK_SET) < 0) return tl::unexpected(file_error(fresh_));
  return {};
}

void NewCopy::append(std::string_view bytes) {
  if (done_ && !file_) done_ = begin();
  if (done_) done_ = write_all(file_, bytes, fresh_);
  if (done_ || fresh_.empty()) return;
  ::unlink(fresh_.c_str());  // the room it takes is needed, and the list goes on without it
  fresh_.clear();
  file_ = Descriptor();
}

Result<void> NewCopy::keep(const Validators& validators, Time fetched, Time checked) {
  append({});  // a list without a byte is one, too
  if (!done_) return done_;
  std::string head = std::string(kFirstLine) + "source " + source_ + "\nfetched " +
                     std::to_string(fetched.time_since_epoch().count()) + "\netag " + one_line(validators.etag) + "\nmodified " +
                     one_line(validators.modified) + "\nblanks ";
  if (head.size() + kHeadEnd.size() > room_) return fail(Errc::io, path_ + ": more is said of the list than there is room for");
  head.resize(room_ - kHeadEnd.size(), ' ');
  head += kHeadEnd;
  return end(head, checked);
}

Result<void> NewCopy::end(const std::string& head, Time checked) {
  if (::lseek(file_.get(), 0, SEEK_SET) < 0) return tl::unexpected(file_error(fresh_));
  if (auto written = write_all(file_, head, fresh_); !written) return written;
  if (::fsync(file_.get()) != 0) return tl::unexpected(file_error(fresh_));
  if (::rename(fresh_.c_str(), path_.c_str()) != 0) return tl::unexpected(file_error(path_));
  fresh_.clear();
  set_checked(path_, checked);  // not before: a file that seems old may be taken for one that was left behind
  return {};
}

}  // namespace deferd::blacklist
