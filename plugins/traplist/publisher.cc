#include "publisher.h"

#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace deferd::traplist {
namespace {

constexpr std::size_t kPage = 1000;

tl::unexpected<Error> cannot_write(const std::string& path) { return fail(Errc::io, path + ": " + std::strerror(errno)); }

Result<std::vector<Prefix>> prefixes_of(Tables& tables, const std::string& table) {
  std::vector<Prefix> all;
  std::string cursor;
  do {
    auto page = tables.scan(table, cursor, kPage);
    if (!page) return tl::unexpected(page.error());
    for (const auto& row : page->rows) all.push_back(row.prefix);
    cursor = std::move(page->cursor);
  } while (!cursor.empty());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

/// Bytes into a file beside `path` that takes its place once it is whole.
Result<void> replace_file(const std::string& path, std::string_view bytes) {
  std::string name = path + ".XXXXXX";
  const int file = ::mkstemp(name.data());
  if (file < 0) return cannot_write(path);
  bool good = ::fchmod(file, 0644) == 0;
  while (good && !bytes.empty()) {
    const auto written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    good = written > 0;
    if (good) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  good = good && ::fsync(file) == 0;
  good = ::close(file) == 0 && good && ::rename(name.c_str(), path.c_str()) == 0;
  if (good) return {};
  auto error = cannot_write(path);
  ::unlink(name.c_str());
  return error;
}

Result<std::string> gzip(const std::string& text) {
  z_stream stream{};
  constexpr int kGzip = 15 + 16;
  if (::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return fail(Errc::io, "cannot compress");
  std::string out(::deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int done = ::deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  if (done != Z_STREAM_END) return fail(Errc::io, "cannot compress");
  return out;
}

}  // namespace

Result<std::size_t> publish(Tables& tables, const PublishConfig& config) {
  auto prefixes = prefixes_of(tables, config.table);
  if (!prefixes) return tl::unexpected(prefixes.error());
  std::string text;
  for (const auto& prefix : *prefixes) text += prefix.to_string() + '\n';
  auto packed = gzip(text);
  if (!packed) return tl::unexpected(packed.error());
  if (auto done = replace_file(config.file, text); !done) return tl::unexpected(done.error());
  if (auto done = replace_file(config.file + ".gz", *packed); !done) return tl::unexpected(done.error());
  return prefixes->size();
}

Publisher::Publisher(std::vector<PublishConfig> configs, Host& host)
    : configs_(std::move(configs)), host_(host), failing_(configs_.size(), false), thread_([this] { run(); }) {}

Publisher::~Publisher() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Publisher::run() {
  using Steady = std::chrono::steady_clock;
  std::vector<Steady::time_point> due(configs_.size(), Steady::now());
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    for (std::size_t i = 0; i < configs_.size() && !stopping_; ++i) {
      if (Steady::now() < due[i]) continue;
      due[i] = Steady::now() + configs_[i].every;
      lock.unlock();
      step(i);
      lock.lock();
    }
    wake_.wait_until(lock, *std::min_element(due.begin(), due.end()), [this] { return stopping_; });
  }
}

void Publisher::step(std::size_t index) {
  const auto& config = configs_[index];
  try {
    const auto written = or_throw(publish(host_.tables(), config));
    if (failing_[index]) host_.log().notice("traplist.publish_recovered", {{"file", config.file}});
    failing_[index] = false;
    host_.log().debug("traplist.published", {{"file", config.file}, {"rows", static_cast<std::uint64_t>(written)}});
  } catch (const std::exception& error) {
    if (!failing_[index]) host_.log().error("traplist.publish_failing", {{"file", config.file}, {"error", error.what()}});
    failing_[index] = true;
  }
}

}  // namespace deferd::traplist
