// Where decisions are written: one log line each at once, and a record each for `explain ID` and `release ID` in batches.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "deferd/verdict.h"
#include "host/parts.h"

namespace deferd {

/// Thread-safe. When records come faster than the store takes them, the newest are left out and counted; mail never waits.
class DecisionLog {
 public:
  explicit DecisionLog(HostParts& parts);
  ~DecisionLog();  ///< Writes what is left.

  void write(const Session& session, const Decision& decision);
  void flush();  ///< Waits until all that was written before is in the store.

 private:
  void work();
  void store(const std::vector<DecisionRecord>& batch);

  HostParts& parts_;
  Counter* decided_[6][5];  // [stage][action]
  Counter& left_out_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable written_;
  std::vector<DecisionRecord> pending_;
  std::size_t pending_bytes_ = 0;
  std::uint64_t accepted_ = 0;  // records ever
  std::uint64_t finished_ = 0;  // of those: stored, or given up
  bool flushing_ = false;       // somebody waits for the store
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace deferd
