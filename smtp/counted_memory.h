// For tests: every allocation of the test program that links this is counted.
#pragma once
#include <cstddef>

namespace deferd::smtp {

std::size_t live_bytes();   ///< As malloc gives them, with what it needs itself.
std::size_t allocations();  ///< So far.

}  // namespace deferd::smtp
