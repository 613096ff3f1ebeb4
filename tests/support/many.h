// For tests that show that numbers do not matter: how many is many.
#pragma once
#include <cstddef>

namespace deferd {

/// The count where it takes no time to get there, a tenth where a sanitizer looks at each access.
constexpr std::size_t many(std::size_t count) {
#if defined(DEFERD_SANITIZED)
  return count / 10;
#else
  return count;
#endif
}

}  // namespace deferd
