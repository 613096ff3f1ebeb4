// Where decisions are written: one log line each at once, and a record each for `explain ID` and `release ID` in batches.
#pragma once
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "deferd/verdict.h"
#include "host/parts.h"

namespace deferd {

/// Thread-safe. When records come faster than the store takes them, the newest are left out and counted; mail never waits.
class DecisionLog {
 public:
  explicit DecisionLog(HostParts& parts);
  ~DecisionLog();  ///< Writes what is left.

  void write(const Session& session, const std::shared_ptr<const Decision>& decision);
  void flush();  ///< Waits until all that was written before is in the store.

 private:
  struct Pending;
  void work();
  void store(const std::list<Pending>& batch);

  HostParts& parts_;
  Counter* decided_[6][5];  // [stage][action]
  Counter& left_out_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable written_;
  std::list<Pending> pending_;
  bool writing_ = false;
  bool flushing_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace deferd
