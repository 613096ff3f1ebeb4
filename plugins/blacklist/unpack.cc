#include "unpack.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <vector>

namespace deferd::blacklist {
namespace {

constexpr std::size_t kUnpackedPiece = 64 * 1024;
constexpr int kGzipOnly = 16 + MAX_WBITS;

std::string too_large(std::uint64_t most) { return "is larger than " + std::to_string(most) + " bytes when unpacked"; }

class Inflater {
 public:
  Inflater() {
    if (inflateInit2(&stream_, kGzipOnly) != Z_OK) throw ErrorException({Errc::unavailable, "no memory to unpack"});
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  Result<void> run(std::string_view body, std::uint64_t most, const Take& take) {
    std::vector<char> out(kUnpackedPiece);
    std::uint64_t total = 0;
    int state = Z_OK;
    while (state != Z_STREAM_END || !body.empty() || stream_.avail_in > 0) {
      if (state == Z_STREAM_END) inflateReset(&stream_);
      if (stream_.avail_in == 0) {
        const auto piece = std::min<std::size_t>(body.size(), std::numeric_limits<uInt>::max());
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
        stream_.avail_in = static_cast<uInt>(piece);
        body.remove_prefix(piece);
      }
      stream_.next_out = reinterpret_cast<Bytef*>(out.data());
      stream_.avail_out = static_cast<uInt>(out.size());
      state = inflate(&stream_, Z_NO_FLUSH);
      const auto got = out.size() - stream_.avail_out;
      if (state == Z_BUF_ERROR && got == 0) return fail(Errc::invalid, "is cut off: the packed data does not end");
      if (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR)
        return fail(Errc::invalid, "is damaged: the packed data cannot be read");
      total += got;
      if (total > most) return fail(Errc::invalid, too_large(most));
      if (auto taken = take({out.data(), got}); !taken) return taken;
    }
    return {};
  }

 private:
  z_stream stream_{};
};

}  // namespace

bool is_packed(std::string_view body) { return body.starts_with("\x1f\x8b"); }

Result<void> unpack(std::string_view body, std::uint64_t most, const Take& take) {
  if (is_packed(body)) return Inflater().run(body, most, take);
  if (body.size() > most) return fail(Errc::invalid, too_large(most));
  for (; !body.empty(); body.remove_prefix(std::min(body.size(), kUnpackedPiece)))
    if (auto taken = take(body.substr(0, kUnpackedPiece)); !taken) return taken;
  return {};
}

}  // namespace deferd::blacklist
