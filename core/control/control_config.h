// `control:` of the configuration.
#pragma once
#include <sys/types.h>

#include <string>

#include "base/file_mode.h"
#include "deferd/schema.h"

namespace deferd {

struct ControlConfig {
  std::string socket = DEFERD_CONTROL_SOCKET;
  FileMode mode;
  std::string group;
  static Schema<ControlConfig> schema();
};

}  // namespace deferd
