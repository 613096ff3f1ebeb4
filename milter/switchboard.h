// What all connections from the MTA share: their configuration, their sessions, their counts.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string_view>

#include "milter/milter_session.h"
#include "milter/sleepers.h"
#include "ops/metrics.h"

namespace deferd {

/// One SMTP client's connection, as the MTA passes it on. Used by one thread at a time, not always the same.
struct MilterConnection {
  MilterConnection(const OpenDialogue& open, std::shared_ptr<const MilterConfig> config) : session(open, std::move(config)) {}
  MilterSession session;
  bool counted = false;  ///< As a message in progress.
  std::list<MilterConnection>::iterator place;
};

/// Thread-safe; a connection is handled by one thread at a time.
class Switchboard {
 public:
  /// `hooks` tells what the plugins of the running configuration want (bits of deferd::hook). Everything outlives the
  /// switchboard.
  Switchboard(MilterConfig config, OpenDialogue open, std::function<std::uint32_t()> hooks, Log& log, Metrics& metrics);

  MilterConnection& connected();
  void disconnected(MilterConnection& connection);
  void disconnect_all();

  void configure(MilterConfig config);  ///< For connections from now on.
  std::shared_ptr<const MilterConfig> config() const;
  std::uint32_t hooks() const { return hooks_(); }

  /// Before the MTA is told `reply`: counts it, keeps the client waiting if plugins wish so.
  void answering(const MilterReply& reply);
  void message_ended(const MilterReply& reply);

  /// After each step of the connection: whether it has a message in progress.
  void settle(MilterConnection& connection);

  /// Something was thrown: the rest of the connection passes unasked.
  void failed(MilterConnection* connection, std::string_view where, std::string_view what) noexcept;

  /// Ends all delays, for good.
  void hurry() { sleepers_.wake(); }
  /// False: after `patience` there were still messages in progress.
  bool wait_until_idle(std::chrono::milliseconds patience);

 private:
  const OpenDialogue open_;
  const std::function<std::uint32_t()> hooks_;
  Log& log_;
  Sleepers sleepers_;

  mutable std::mutex mutex_;
  std::condition_variable idle_;
  std::shared_ptr<const MilterConfig> config_;
  std::list<MilterConnection> connections_;
  int messages_ = 0;

  Gauge& connections_open_;
  Counter& accepted_;
  Counter& refused_;
  Counter& replied_continue_;
  Counter& replied_tempfail_;
  Counter& replied_reject_;
  Counter& replied_close_;
  Counter& errors_;
};

}  // namespace deferd
