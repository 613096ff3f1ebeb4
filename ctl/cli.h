// deferctl without its main(): what tests run.
#pragma once
#include <string>
#include <vector>

#include "ctl/screen.h"

namespace deferd::ctl {

/// `arguments` without the program's name. Returns the exit code; messages of failures go to screen.err.
int run(std::vector<std::string> arguments, const Screen& screen);

}  // namespace deferd::ctl
