#include "usage.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace deferd::bench {
namespace {

double seconds(std::uint64_t ticks) { return static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK)); }

}  // namespace

// proc(5)
Usage usage_of(pid_t pid) {
  Usage usage;
  const std::string folder = "/proc/" + std::to_string(pid);
  std::ifstream stat(folder + "/stat");
  std::string line;
  if (!std::getline(stat, line)) return usage;
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  std::uint64_t user = 0, system = 0;
  fields >> user >> system;
  for (int field = 16; field < 20; ++field) fields >> skipped;
  fields >> usage.threads;
  usage.cpu_seconds = seconds(user + system);

  std::uint64_t size = 0, resident = 0;
  std::ifstream(folder + "/statm") >> size >> resident;
  usage.rss_kib = resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) / 1024;
  return usage;
}

double machine_cpu_seconds() {
  std::ifstream stat("/proc/stat");
  std::string cpu;
  std::uint64_t busy = 0, ticks = 0;
  stat >> cpu;
  for (int field = 0; field < 8 && stat >> ticks; ++field)
    if (field != 3 && field != 4) busy += ticks;  // idle, iowait
  return seconds(busy);
}

}  // namespace deferd::bench
