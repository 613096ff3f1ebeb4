#include "unpack.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace deferd::blacklist {
namespace {

constexpr std::string_view kMagic = "\x1f\x8b";
constexpr std::size_t kUnpackedPiece = 64 * 1024;
constexpr int kGzipOnly = 16 + MAX_WBITS;

}  // namespace

class Unpacker::Inflater {
 public:
  Inflater() : out_(kUnpackedPiece) {
    if (inflateInit2(&stream_, kGzipOnly) != Z_OK) throw ErrorException({Errc::unavailable, "no memory to unpack"});
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  Result<void> feed(std::string_view bytes, const Take& take) {
    while (!bytes.empty()) {
      const auto piece = bytes.substr(0, std::numeric_limits<uInt>::max());
      if (auto done = inflate_all(piece, take); !done) return done;
      bytes.remove_prefix(piece.size());
    }
    return {};
  }
  bool ended() const { return ended_; }

 private:
  Result<void> inflate_all(std::string_view bytes, const Take& take) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      if (ended_) inflateReset(&stream_);  // and more came: another member
      stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
      stream_.avail_out = static_cast<uInt>(out_.size());
      const int state = inflate(&stream_, Z_NO_FLUSH);
      if (state == Z_BUF_ERROR) return {};  // all of it was read and handed on before
      if (state != Z_OK && state != Z_STREAM_END) return fail(Errc::invalid, "is damaged: the packed data cannot be read");
      ended_ = state == Z_STREAM_END;
      if (auto taken = take({out_.data(), out_.size() - stream_.avail_out}); !taken) return taken;
    } while (stream_.avail_in > 0 || (!ended_ && stream_.avail_out == 0));
    return {};
  }

  z_stream stream_{};
  std::vector<char> out_;
  bool ended_ = false;
};

Unpacker::Unpacker(std::uint64_t most, Take take) : most_(most), take_(std::move(take)) {}
Unpacker::~Unpacker() = default;

Result<void> Unpacker::hand_on(std::string_view bytes) {
  given_ += bytes.size();
  if (given_ > most_) return fail(Errc::invalid, "is larger than " + std::to_string(most_) + " bytes when unpacked");
  return bytes.empty() ? Result<void>() : take_(bytes);
}

/// By the first two bytes, which may come one by one.
Result<void> Unpacker::decide(std::string_view bytes) {
  if (kind_ == Kind::unknown && bytes == kMagic.substr(0, 1)) {
    kind_ = Kind::half_known;
    return {};
  }
  const bool half = kind_ == Kind::half_known;
  const bool packed = bytes.starts_with(half ? kMagic.substr(1) : kMagic);
  kind_ = packed ? Kind::packed : Kind::plain;
  if (packed) inflater_ = std::make_unique<Inflater>();
  if (half)
    if (auto done = feed(kMagic.substr(0, 1)); !done) return done;
  return feed(bytes);
}

Result<void> Unpacker::feed(std::string_view bytes) {
  if (bytes.empty()) return {};
  if (kind_ == Kind::plain) return hand_on(bytes);
  if (kind_ == Kind::packed) return inflater_->feed(bytes, [this](std::string_view unpacked) { return hand_on(unpacked); });
  return decide(bytes);
}

Result<void> Unpacker::finish() {
  if (kind_ == Kind::half_known) return hand_on(kMagic.substr(0, 1));
  if (kind_ == Kind::packed && !inflater_->ended()) return fail(Errc::invalid, "is cut off: the packed data does not end");
  return {};
}

}  // namespace deferd::blacklist
