// What it costs to count, beside one atomic that all threads share.
//
//   metrics_bench
//
// One line of key=value for each number of threads: CPU time an addition.

#include <atomic>
#include <cstdio>
#include <functional>
#include <thread>
#include <vector>

#include "cpu_time.h"
#include "ops/metrics.h"

namespace {

using namespace deferd;

double cpu_ns(int threads, const std::function<void()>& once) {
  constexpr int kTimes = 20'000'000;
  const auto before = bench::own_cpu_seconds();
  {
    std::vector<std::jthread> workers;
    for (int t = 0; t < threads; ++t)
      workers.emplace_back([&] {
        for (int i = 0; i < kTimes / threads; ++i) once();
      });
  }
  return (bench::own_cpu_seconds() - before) * 1e9 / kTimes;
}

}  // namespace

int main() {
  Metrics metrics;
  auto& counter = metrics.counter("deferd_bench_total", {}, "");
  const double bounds[] = {1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1};
  auto& histogram = metrics.histogram("deferd_bench_seconds", {}, bounds, "");
  std::atomic<std::uint64_t> shared{0};
  for (const int threads : {1, 2, 8}) {
    const double ours = cpu_ns(threads, [&] { counter.add(); });
    const double observed = cpu_ns(threads, [&] { histogram.observe(0.0005); });
    const double atomic = cpu_ns(threads, [&] { ++shared; });
    std::printf("threads=%d counter_ns=%.1f histogram_ns=%.1f shared_atomic_ns=%.1f\n", threads, ours, observed, atomic);
  }
}
