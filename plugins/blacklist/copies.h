// Last good copies of lists that come from elsewhere, so that they are there after a restart before any network is.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/time.h"
#include "source.h"

namespace deferd::blacklist {

/// A file of a copy: some lines on where it came from, an empty line, the body as it came.
struct Copy {
  std::string source;  ///< SourceSpec::to_string(), or what else the body belongs to.
  Validators validators;
  Time fetched{};  ///< When it came.
  Time checked{};  ///< When it was last known to be still what the source holds.
  std::string body;
};

/// A folder of copies, one file a name. Written as a whole or not at all, also when two write the same
/// name. Any thread.
class Copies {
 public:
  explicit Copies(std::string folder) : folder_(std::move(folder)) {}

  /// Makes the folder at need, mode 0700. Errors: io.
  Result<void> write(std::string_view name, const Copy& copy) const;
  /// Notes that it is still what the source holds. Does nothing if there is none.
  void touch(std::string_view name, Time checked) const;
  void remove(std::string_view name) const;
  /// Errors: not_found, io, corrupt.
  Result<Copy> read(std::string_view name) const;
  /// Bytes of the file; nothing if there is none.
  std::optional<std::uint64_t> size(std::string_view name) const;
  /// The names there are that begin with `start`, sorted.
  std::vector<std::string> names(std::string_view start) const;

 private:
  std::string path(std::string_view name) const;

  const std::string folder_;
};

}  // namespace deferd::blacklist
