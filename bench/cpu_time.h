// CPU time that this process has used.
#pragma once
#include <sys/resource.h>

namespace deferd::bench {

/// On all cores, in the kernel as well.
inline double own_cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace deferd::bench
