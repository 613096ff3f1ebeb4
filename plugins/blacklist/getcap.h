// Records of capabilities in a text, as getcap(3) of OpenBSD reads them, with the extension of spamd-setup(8) that colons between
// double quotes belong to the value. Pure.
//
//   name|other name:flag:string=value:tc=more:
//
// A backslash at the end of a line joins it with the next one.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/result.h"

namespace deferd::blacklist {

/// One record: its capabilities in order, those of its `tc=` in the place of that.
class CapRecord {
 public:
  CapRecord(std::vector<std::string> fields, std::uint32_t line) : fields_(std::move(fields)), line_(line) {}

  bool flag(std::string_view name) const;  ///< `:name:`
  /// `:name=value:`, decoded: \b \t \n \f \r \e \c \ooo ^X, and a backslash before any other character is that character.
  std::optional<std::string> text(std::string_view name) const;
  const std::vector<std::string>& fields() const { return fields_; }  ///< As they are written.
  std::uint32_t line() const { return line_; }                        ///< Where the record begins, from 1.

 private:
  std::vector<std::string> fields_;
  std::uint32_t line_;
};

class CapFile {
 public:
  explicit CapFile(std::string_view text);

  /// The first record of exactly this name. Errors: not_found, also if a `tc=` of it leads nowhere or deeper than 32 records.
  Result<CapRecord> find(std::string_view name) const;

 private:
  struct Raw {
    std::vector<std::string> fields;  // the first are the names
    std::uint32_t line = 0;
  };
  const Raw* raw(std::string_view name) const;
  Result<void> collect(const Raw& from, std::vector<std::string>& fields, int depth, std::size_t& steps) const;

  std::vector<Raw> records_;
};

}  // namespace deferd::blacklist
