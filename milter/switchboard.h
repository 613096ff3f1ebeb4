// What all connections from the MTA share: their configuration, the way to the pipeline, their counts.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>

#include "milter/milter_session.h"
#include "ops/metrics.h"

namespace deferd {

/// Thread-safe.
class Switchboard {
 public:
  /// `hooks` tells what the plugins of the running configuration want (bits of deferd::hook). Everything outlives the
  /// switchboard.
  Switchboard(MilterConfig config, OpenDialogue open, std::function<std::uint32_t()> hooks, Log& log, Metrics& metrics);

  void configure(MilterConfig config);  ///< For connections from now on.
  std::shared_ptr<const MilterConfig> config() const;
  const OpenDialogue& open() const { return open_; }
  std::uint32_t hooks() const { return hooks_(); }

  /// The MTA is about to be told `reply`.
  void answering(const MilterReply& reply);
  void message_ended(const MilterReply& reply);

  /// One message in progress more (1) or less (-1).
  void in_progress(int change);
  /// False: after `patience` there were still messages in progress.
  bool wait_until_idle(std::chrono::milliseconds patience);

  /// Something was thrown where a client was dealt with.
  void failed(std::string_view where, std::string_view what) noexcept;

 private:
  const OpenDialogue open_;
  const std::function<std::uint32_t()> hooks_;
  Log& log_;

  mutable std::mutex mutex_;  // of config_, and for waiting
  std::shared_ptr<const MilterConfig> config_;
  std::condition_variable idle_;
  std::atomic<int> messages_ = 0;
  std::atomic<bool> awaited_ = false;  // somebody waits for messages_ to be 0

  Counter& accepted_;
  Counter& refused_;
  Counter& replied_continue_;
  Counter& replied_tempfail_;
  Counter& replied_reject_;
  Counter& replied_close_;
  Counter& errors_;
};

}  // namespace deferd
