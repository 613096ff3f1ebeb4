// reference --check|--write ROOT PLUGIN_DIR: the settings described in man pages and plugin manuals are those of the schemas.
//
// The text between "reference: begin" and "reference: end" in docs/man/deferd.yaml.5 is generated; plugins/*/README.md are
// written by hand and must name every setting.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
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
  if (text.substr(from, to - from) == reference) return true;
  if (!write) {
    std::cerr << path.string() << ": its reference is not that of the schema; run ./dev docs\n";
    return false;
  }
  std::ofstream(path) << text.substr(0, from) << reference << text.substr(to);
  std::cout << path.string() << ": written\n";
  return true;
}

/// The first cells of the tables below "## Configuration" that are written as code: what the manual says can be set.
std::set<std::string> documented(const std::string& text) {
  std::set<std::string> names;
  std::istringstream lines(text.substr(std::min(text.find("## Configuration"), text.size())));
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line) && line.rfind("## ", 0) != 0)
    if (line.rfind("| `", 0) == 0) names.insert(line.substr(3, line.find('`', 3) - 3));
  return names;
}

/// A nested setting may stand under its whole name, or under its own in a table of its own.
bool names_all(const fs::path& path, const std::set<std::string>& names, const std::vector<FieldDoc>& fields,
               const std::string& within) {
  bool all = true;
  for (const auto& field : fields) {
    const auto whole = within + field.name;
    if (!names.contains(whole) && !names.contains(field.name)) {
      std::cerr << path.string() << ": says nothing of the setting '" << whole << "'\n";
      all = false;
    }
    const bool map = field.type.rfind("map of ", 0) == 0;
    all = names_all(path, names, field.fields, whole + (map ? ".NAME." : ".")) && all;
  }
  return all;
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
    const auto manual = folder.path() / "README.md";
    settled = names_all(manual, documented(read(manual)), fields, "") && settled;
  }
  return settled ? 0 : 1;
} catch (const std::exception& error) {
  std::cerr << "reference: " << error.what() << "\n";
  return 2;
}
