// For tests of what starts programs, and of what other threads do: nothing tells of these, so one has to look again.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>

namespace deferd {

/// Whether it comes true within a time that is more than enough.
template <class Condition>
bool soon(Condition condition) {
  for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30); std::chrono::steady_clock::now() < end;) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return condition();
}

/// Whether a process is there, and more than a zombie that whoever inherited it has not reaped yet. Linux.
inline bool runs(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  return std::getline(stat, line) && line.find(") Z") == line.npos;
}

}  // namespace deferd
