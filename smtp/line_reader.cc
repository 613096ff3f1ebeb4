#include "smtp/line_reader.h"

namespace deferd::smtp {

namespace {

constexpr std::size_t kUsual = 96;  // no command of most clients is longer

}  // namespace

void LineReader::feed(std::string_view bytes) {
  if (start_ > 0) {
    buffer_.erase(0, start_);
    scanned_ -= start_;
    start_ = 0;
  }
  if (buffer_.capacity() < kUsual) buffer_.reserve(kUsual);
  buffer_.append(bytes);
}

std::optional<Line> LineReader::next(std::size_t limit) {
  const std::size_t end = buffer_.find('\n', scanned_);  // libstdc++ and libc++ find a character with memchr
  if (end != buffer_.npos) return take(end, limit);

  const auto line = pending();
  const std::size_t length = line.size() - (line.ends_with('\r') ? 1 : 0);  // an LF may still come and make it the line's end
  if (!dropping_ && length > limit) {
    dropping_ = true;
    scanned_ = start_ + limit;
  }
  if (dropping_) {
    drop(buffer_.size());
    buffer_.resize(scanned_);
  } else {
    scanned_ = buffer_.size();
  }
  return std::nullopt;
}

/// The line that ends with the LF at `end`.
Line LineReader::take(std::size_t end, std::size_t limit) {
  if (dropping_) drop(end);
  std::string_view text = std::string_view(buffer_).substr(start_, (dropping_ ? scanned_ : end) - start_);
  Line line;
  line.bare_lf = dropping_ ? !last_is_cr_ : !text.ends_with('\r');
  if (!dropping_ && !line.bare_lf) text.remove_suffix(1);
  line.bare_cr = dropped_cr_ || text.find('\r') != text.npos;
  line.too_long = dropping_ || text.size() > limit;
  line.text = text.substr(0, limit);

  start_ = scanned_ = end + 1;
  dropping_ = dropped_cr_ = last_is_cr_ = false;
  return line;
}

/// Notes what bytes from scanned_ to `end` are like, which are not kept.
void LineReader::drop(std::size_t end) {
  const auto bytes = std::string_view(buffer_).substr(scanned_, end - scanned_);
  if (bytes.empty()) return;
  dropped_cr_ = dropped_cr_ || last_is_cr_ || bytes.find('\r') < bytes.size() - 1;
  last_is_cr_ = bytes.back() == '\r';
}

std::string_view LineReader::pending() const { return std::string_view(buffer_).substr(start_); }

void LineReader::clear() {
  buffer_.clear();
  start_ = scanned_ = 0;
  dropping_ = dropped_cr_ = last_is_cr_ = false;
}

void LineReader::shrink() {
  if (!pending().empty()) return;
  std::string().swap(buffer_);
  start_ = scanned_ = 0;
}

}  // namespace deferd::smtp
