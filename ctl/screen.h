// Where deferctl prints to.
#pragma once
#include <cstddef>
#include <ostream>

namespace deferd::ctl {

struct Screen {
  std::ostream& out;
  std::ostream& err;
  std::size_t width = 0;  ///< Of a terminal; 0: none, lines may be long.
};

}  // namespace deferd::ctl
