// `control:` of the configuration.
#pragma once
#include <sys/types.h>

#include <string>

#include "deferd/schema.h"

namespace deferd {

/// Permission bits, written as in chmod(1): 0660.
struct FileMode {
  mode_t bits = 0660;
};
template <>
struct Codec<FileMode> {
  static std::string type() { return "octal mode"; }
  static Result<FileMode> parse(std::string_view text);
  static std::string print(FileMode value);
};

struct ControlConfig {
  std::string socket = "/run/deferd/control.sock";
  FileMode mode;
  std::string group;
  static Schema<ControlConfig> schema();
};

}  // namespace deferd
