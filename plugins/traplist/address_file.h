// Files of mail addresses, one a line, of any length: trap addresses, recipients, postmap(1)'s source text.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/result.h"

namespace deferd::traplist {

/// Which version of a file was read: equal means that it need not be read again.
struct FileIdentity {
  std::uint64_t device = 0, inode = 0;
  std::int64_t size = 0, changed_ns = 0;
  bool operator==(const FileIdentity&) const = default;
};
Result<FileIdentity> identify_file(const std::string& path);  ///< Errors: io.

/// Calls `take` with the first word of each line, as it is written. Left out: empty lines, what begins with `#`, and lines that
/// begin with a blank (postmap(1): they go on with the line before). Reads piece by piece. `line` counts from 1.
/// Errors: io, and what `take` returns; both name the file.
using TakeWord = std::function<void(std::string_view word, std::size_t line)>;
Result<void> read_address_file(const std::string& path, const TakeWord& take);

/// Empty if `word` may stand for addresses: user@example.org, @example.org, user@, or a word alone; else what is wrong with it.
std::string wrong_address(std::string_view word);

}  // namespace deferd::traplist
