// For tests: the settings of the plugin, written as an operator writes them.
#pragma once
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "config.h"
#include "config/yaml.h"

namespace deferd::rules {

struct Read {
  Config config;
  Problems problems;
  /// `2:5: path: message`, one a line; warnings too.
  std::string text() const { return problems.to_string("conf"); }
};

inline Read read(std::string_view yaml) {
  Read result;
  const auto value = parse_yaml(yaml, result.problems);
  if (value) result.config = Config::schema().read(*value, result.problems);
  return result;
}

/// A file with this content, for as long as it lives.
class ListFile {
 public:
  explicit ListFile(std::string_view content) {
    std::string name = (std::filesystem::temp_directory_path() / "deferd-rules-XXXXXX").string();
    const int descriptor = ::mkstemp(name.data());
    if (descriptor >= 0) ::close(descriptor);
    path_ = name;
    write(content);
  }
  ~ListFile() { std::filesystem::remove(path_); }
  ListFile(const ListFile&) = delete;
  ListFile& operator=(const ListFile&) = delete;
  void write(std::string_view content) { std::ofstream(path_) << content; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace deferd::rules
