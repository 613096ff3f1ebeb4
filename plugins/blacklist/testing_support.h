// For tests: a folder that goes away, files in it, packed texts, what was handed on.
#pragma once
#include <sys/stat.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "copies.h"
#include "digest.h"
#include "take.h"

namespace deferd::blacklist {

class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "deferd-lists-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
    path_ = name;
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }
  /// Written anew under another inode, as a careful program does.
  std::string write(std::string_view name, std::string_view text) const {
    const auto place = file(name);
    std::ofstream(place + ".new", std::ios::binary) << text;
    std::filesystem::rename(place + ".new", place);
    return place;
  }
  std::string read(std::string_view name) const {
    std::ifstream in(file(name), std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }

 private:
  std::string path_;
};

/// Keeps what is handed on.
inline Take into(std::string& text) {
  return [&text](std::string_view bytes) -> Result<void> {
    text += bytes;
    return {};
  };
}

/// What a copy holds, or `error: ...`.
inline std::string body_of(const Copies& copies, std::string_view name) {
  std::string body;
  auto copy = copies.open(name);
  if (!copy) return "error: " + copy.error().what;
  const auto read = copy->read(into(body));
  return read ? body : "error: " + read.error().what;
}

inline std::string sha256_of(std::string_view bytes) {
  Digest digest;
  digest.add(bytes);
  return digest.hex();
}

inline std::string packed(std::string_view text) {
  z_stream stream{};
  if (deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace deferd::blacklist
