// Background work: expiry of table rows, table events to plugins, the plugins' minute ticks.
#pragma once
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "host/parts.h"
#include "host/pipeline.h"

namespace deferd {

/// One thread. A store that fails is tried again the next second and logged once until it is back.
class Housekeeping {
 public:
  Housekeeping(HostParts& parts, Pipeline& pipeline);
  ~Housekeeping();

  void start();
  void step();   ///< One round, as the thread does each quarter of a second. Not to be called while the thread runs.
  void nudge();  ///< Do a round now: the testing clock was moved.

 private:
  void sweep(Time now);
  void tick(SteadyTime now);
  void feed();
  void told(std::string_view what, const Result<void>& result);

  HostParts& parts_;
  Pipeline& pipeline_;
  Time last_sweep_{};
  SteadyTime last_tick_;
  std::string cursor_;
  bool following_ = false;
  bool failing_ = false;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool nudged_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace deferd
