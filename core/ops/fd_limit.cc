#include "ops/fd_limit.h"

#include <sys/resource.h>

namespace deferd {

FdLimit raise_fd_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const FdLimit before{limit.rlim_cur, limit.rlim_cur};
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return before;
  getrlimit(RLIMIT_NOFILE, &limit);
  return {before.before, limit.rlim_cur};
}

}  // namespace deferd
