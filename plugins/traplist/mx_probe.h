// Asks the better MXs, again and again, whether they accept connections.
#pragma once
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "better_mx.h"
#include "config.h"
#include "deferd/host.h"

namespace deferd::traplist {

/// Connects and waits for a greeting of 220 (RFC 5321 section 3.1), then takes its leave. A server that takes connections and
/// does not greet, or greets with 4xx or 5xx, accepts no mail either. Blocks for `timeout` at most.
bool greets(const Endpoint& endpoint, std::chrono::milliseconds timeout);

/// A thread of its own once it is started.
class MxProbe {
 public:
  using Ask = std::function<bool(const Endpoint&)>;

  /// `known` and `clock` outlive it.
  MxProbe(std::vector<Endpoint> servers, std::chrono::milliseconds every, Ask ask, BetterMx& known, const Clock& clock, Log& log);
  ~MxProbe();

  void start();
  void ask_now();  ///< Does not wait for the answer.
  void round();    ///< Asks each, now; for the thread, or for a test instead of it.

 private:
  void run();

  const std::vector<Endpoint> servers_;
  const std::chrono::milliseconds every_;
  const Ask ask_;
  BetterMx& known_;
  const Clock& clock_;
  Log& log_;
  std::vector<bool> up_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false, asked_ = false;
  std::thread thread_;
};

}  // namespace deferd::traplist
