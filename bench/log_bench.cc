// What a line of the log costs the thread that writes it, and the process as a whole.
//
//   log_bench [FILE]      (default: /dev/null)
//
// One line of key=value for each number of threads: wall and CPU time a line, lines a second, lines lost (the file was too slow).

#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "cpu_time.h"
#include "ops/log_writer.h"

namespace {

using namespace deferd;

void decide(Log& log, int lines) {
  for (int i = 0; i < lines; ++i)
    log.info("rcpt.defer", {{"id", "7641df9771b4ed00.1"},
                            {"client", "192.0.2.7"},
                            {"helo", "mx1.example.net"},
                            {"from", "someone@example.net"},
                            {"rcpt", "another@example.org"},
                            {"plugin", "greylist"},
                            {"reason", "not retried yet"},
                            {"delay_ms", i}});
}

void measure(const char* file, int threads) {
  constexpr int kLines = 400'000;
  const SystemClock clock;
  LogConfig config;
  config.to = file;
  const auto cpu = bench::own_cpu_seconds();
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t lost = 0;
  double written = 0;
  {
    LogWriter log(config, clock);
    {
      std::vector<std::jthread> writers;
      for (int t = 0; t < threads; ++t) writers.emplace_back([&] { decide(log, kLines / threads); });
    }
    written = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    lost = log.lost();
  }
  std::printf("threads=%d lines=%d wall_ns_a_line=%.0f cpu_ns_a_line=%.0f lines_a_second=%.0f lost=%llu\n", threads, kLines,
              written * 1e9 / kLines, (bench::own_cpu_seconds() - cpu) * 1e9 / kLines, kLines / written,
              static_cast<unsigned long long>(lost));
}

}  // namespace

int main(int argc, char** argv) {
  for (const int threads : {1, 8, 64}) measure(argc > 1 ? argv[1] : "/dev/null", threads);
}
