// A table as a text file for others to load: pfSense's URL tables, `table <white> persist file`, a web server. One entry a line,
// sorted, IPv4 first.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "pfbridge/helper/backend.h"

namespace deferd::bridge {

/// Each change writes the file anew beside it, then renames: readers see the old or the new, never a part.
class FileTable : public Backend {
 public:
  /// `after`: a command to run after each change, perhaps none: {"pfctl", "-t", "white", "-T", "replace", "-f", path}. Its
  /// failing fails the change.
  FileTable(std::string path, std::vector<std::string> after) : path_(std::move(path)), after_(std::move(after)) {}

  Result add(std::span<const Row> rows) override;
  Result remove(std::span<const Entry> entries) override;
  Result read(std::vector<Entry>& entries) override;

  /// Whether the file can be written: its folder is there. A file that is not there yet is an empty table.
  Result check() override;

 private:
  Result load(std::set<Entry>& entries) const;
  Result store(const std::set<Entry>& entries) const;

  std::string path_;
  std::vector<std::string> after_;
};

}  // namespace deferd::bridge
