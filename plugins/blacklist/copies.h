// Last good copies of lists that come from elsewhere, so that they are there after a restart before any network is.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "copy_file.h"

namespace deferd::blacklist {

/// A folder of copies, one file a name. Replaced as a whole or not at all, also when two write the same name. Any thread.
class Copies {
 public:
  explicit Copies(std::string folder) : folder_(std::move(folder)) {}

  /// `source`: CopyHead::source.
  NewCopy start(std::string_view name, std::string source) const { return {folder_, path(name), std::move(source)}; }
  /// Errors: not_found, io, corrupt.
  Result<KeptCopy> open(std::string_view name) const { return KeptCopy::open(path(name)); }
  /// Notes that it is still what the source holds. Does nothing if there is none.
  void touch(std::string_view name, Time checked) const { set_checked(path(name), checked); }
  void remove(std::string_view name) const;
  /// Bytes of the file; nothing if there is none.
  std::optional<std::uint64_t> size(std::string_view name) const;
  /// The names there are that begin with `start`, sorted.
  std::vector<std::string> names(std::string_view start) const;

 private:
  std::string path(std::string_view name) const;

  const std::string folder_;
};

}  // namespace deferd::blacklist
