// As many descriptors as the system lets us have.
#pragma once
#include <cstdint>

namespace deferd {

struct FdLimit {
  std::uint64_t before = 0;
  std::uint64_t now = 0;
};

/// Raises the soft limit of open descriptors to the hard one. Never fails: `now` is what holds.
FdLimit raise_fd_limit();

}  // namespace deferd
