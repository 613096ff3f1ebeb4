// Permission bits as configurations write them.
#pragma once
#include <sys/types.h>

#include "deferd/schema.h"

namespace deferd {

/// Written in octal as in chmod(1): `0660`.
struct FileMode {
  mode_t bits = 0660;
  bool operator==(const FileMode&) const = default;
};
template <>
struct Codec<FileMode> {
  static std::string type() { return "octal file mode"; }
  static Result<FileMode> parse(std::string_view text);
  static std::string print(FileMode mode);
};

}  // namespace deferd
