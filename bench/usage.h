// CPU time and memory of processes, from /proc.
#pragma once
#include <sys/types.h>
#include <cstdint>

namespace deferd::bench {

struct Usage {
  double cpu_seconds = 0;
  std::uint64_t rss_kib = 0;
  unsigned threads = 0;
};

/// All 0 if there is no such process.
Usage usage_of(pid_t pid);

/// What all processes of the machine have used, on all cores.
double machine_cpu_seconds();

}  // namespace deferd::bench
