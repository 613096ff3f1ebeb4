// The file of a copy of a list: lines on where it came from, one of blanks, an empty one, the body as it came. Read and written
// in pieces. One thread.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/time.h"
#include "descriptor.h"
#include "source.h"
#include "take.h"

namespace deferd::blacklist {

/// What a copy says of itself.
struct CopyHead {
  std::string source;  ///< SourceSpec::to_string(), or what else the body belongs to.
  Validators validators;
  Time fetched{};  ///< When it came.
  Time checked{};  ///< When it was last known to be still what the source holds: when the file was modified.
};

/// A copy that is read.
class KeptCopy {
 public:
  /// Errors: not_found, io, corrupt.
  static Result<KeptCopy> open(const std::string& path);

  const CopyHead& head() const { return head_; }
  /// Hands on the body; once. Errors: io, and what `take` fails with.
  Result<void> read(const Take& take);

 private:
  KeptCopy(std::string path, Descriptor file) : path_(std::move(path)), file_(std::move(file)) {}
  Result<void> read_head(std::vector<char> piece);
  Result<std::string_view> next(std::vector<char>& piece) const;

  std::string path_;
  Descriptor file_;
  CopyHead head_;
  std::string begun_;  // of the body; it was read with the head
};

/// A copy that is written as the body comes: in a file of its own, which takes the place of `path` or goes away with this object.
/// What fails is told at the end only, as a list is of use without a copy.
class NewCopy {
 public:
  /// Nothing is done before the first append(). The folder is made at need, mode 0700. `source` is CopyHead::source.
  NewCopy(std::string folder, std::string path, std::string source);
  ~NewCopy();
  NewCopy(const NewCopy&) = delete;
  NewCopy& operator=(const NewCopy&) = delete;

  void append(std::string_view bytes);
  /// Once, after the last append(). Errors: io.
  Result<void> keep(const Validators& validators, Time fetched, Time checked);

 private:
  void remove_leftovers() const;
  Result<void> begin();
  Result<void> end(const std::string& head, Time checked);

  const std::string folder_, path_, source_;
  const std::size_t room_;  // for the head, which is written last
  std::string fresh_;       // the file's name, as long as there is one
  Descriptor file_;
  Result<void> done_;
};

/// Notes CopyHead::checked. Does nothing if there is no such file.
void set_checked(const std::string& path, Time checked);

}  // namespace deferd::blacklist
