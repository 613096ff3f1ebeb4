// reference --check|--write ROOT PLUGIN_DIR: the settings described in man pages and plugin manuals are those of the schemas.
//
// The text between "reference: begin" and "reference: end" in docs/man/deferd.yaml.5 and plugins/*/README.md is generated.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "config/reference.h"
#include "daemon/config.h"
#include "host/loader.h"

namespace {

namespace fs = std::filesystem;
using namespace deferd;

struct Silent : Log {
  bool enabled(Level) const override { return false; }
  void write(Level, std::string_view, std::span<const Field>) override {}
};

std::string read(const fs::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path.string() + ": cannot be read");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Whether the file holds `reference`; writes it if told to.
bool settle(const fs::path& path, const std::string& reference, bool write) {
  const auto text = read(path);
  const auto begin = text.find("reference: begin");
  const auto end = text.find("reference: end");
  if (begin == std::string::npos || end == std::string::npos || end < begin)
    throw std::runtime_error(path.string() + ": lacks the lines 'reference: begin' and 'reference: end'");
  const auto from = text.find('\n', begin) + 1;
  const auto to = text.rfind('\n', end) + 1;
  const bool markdown = path.extension() == ".md";  // whose tables want an empty line around
  const auto wanted = markdown ? "\n" + reference + "\n" : reference;
  if (text.substr(from, to - from) == wanted) return true;
  if (!write) {
    std::cerr << path.string() << ": its reference is not that of the schema; run ./dev docs\n";
    return false;
  }
  std::ofstream(path) << text.substr(0, from) << wanted << text.substr(to);
  std::cout << path.string() << ": written\n";
  return true;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4) throw std::runtime_error("usage: reference --check|--write ROOT PLUGIN_DIR");
  const bool write = std::string_view(argv[1]) == "--write";
  const fs::path root = argv[2];
  bool settled = settle(root / "docs/man/deferd.yaml.5", mdoc_reference(DaemonConfig::schema().describe(), ""), write);
  Silent log;
  Loader loader({argv[3]}, log);
  for (const auto& folder : fs::directory_iterator(root / "plugins")) {
    if (!folder.is_directory()) continue;
    std::vector<FieldDoc> fields;
    or_throw(loader.load(folder.path().filename().string()))->describe(fields);
    settled = settle(folder.path() / "README.md", markdown_reference(fields, ""), write) && settled;
  }
  return settled ? 0 : 1;
} catch (const std::exception& error) {
  std::cerr << "reference: " << error.what() << "\n";
  return 2;
}
