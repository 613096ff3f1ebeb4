// Files of copies of lists: any bytes are read or refused. What a copy says of itself is lines of its head, its body is all that
// follows, and written anew it is the same copy.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "copy_file.h"
#include "require.h"

using namespace deferd;
using namespace deferd::blacklist;

namespace {

/// Gone at the end of the program. In memory where there is a place for that: a new copy is synced to the disk.
class Folder {
 public:
  Folder() {
    const std::filesystem::path memory = "/dev/shm";
    path_ = (std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path()) / "deferd-fuzz-XXXXXX";
    REQUIRE(::mkdtemp(path_.data()) != nullptr);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string body_of(KeptCopy& copy) {
  std::string body;
  REQUIRE(copy.read([&](std::string_view bytes) -> Result<void> {
    body += bytes;
    return {};
  }));
  return body;
}

std::string without_returns(std::string line) {
  std::replace(line.begin(), line.end(), '\r', ' ');
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Folder folder;
  static const std::string read_from = folder.path() + "/read", written_to = folder.path() + "/written";
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::ofstream(read_from, std::ios::binary) << bytes;
  auto copy = KeptCopy::open(read_from);
  if (!copy) {
    REQUIRE(copy.error().code == Errc::corrupt);
    return 0;
  }
  const auto head_end = bytes.find("\n\n");
  REQUIRE(head_end != bytes.npos && bytes.starts_with("deferd list 1\n"));
  const auto& head = copy->head();
  for (const auto& line : {head.source, head.validators.etag, head.validators.modified}) {
    REQUIRE(line.find('\n') == line.npos);
    REQUIRE(bytes.substr(0, head_end).find(line) != bytes.npos);
  }
  const auto body = body_of(*copy);
  REQUIRE(body == bytes.substr(head_end + 2));

  NewCopy fresh(folder.path(), written_to, head.source);
  fresh.append(body);
  // More may be said of a list than there is room for.
  if (!fresh.keep(head.validators, head.fetched, head.checked)) return 0;
  auto again = KeptCopy::open(written_to);
  REQUIRE(again);
  REQUIRE(again->head().source == without_returns(head.source));
  REQUIRE(again->head().validators.etag == without_returns(head.validators.etag));
  REQUIRE(again->head().validators.modified == without_returns(head.validators.modified));
  REQUIRE(again->head().fetched == head.fetched);
  REQUIRE(again->head().checked == head.checked);
  REQUIRE(body_of(*again) == body);
  return 0;
}
