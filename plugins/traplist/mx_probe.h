// Asks the better MXs, again and again, whether they accept connections.
#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "better_mx.h"
#include "config.h"
#include "deferd/host.h"

namespace deferd::traplist {

/// Whether the server would take a mail, as far as can be told without naming a recipient: it greets, and answers EHLO and
/// MAIL FROM:<> with 2xx (RFC 5321 section 3.3); then takes its leave. A full disk shows at MAIL (452), so does a server that
/// takes nobody's mail (521). Blocks for `timeout` at most, and not much longer once it is to stop.
bool takes_mail(const Endpoint& endpoint, std::chrono::milliseconds timeout, std::stop_token stop = {});

/// A thread of its own once it is started; it ends with the probe, within about a second if `ask` minds its token.
class MxProbe {
 public:
  using Ask = std::function<bool(const Endpoint&, const std::stop_token&)>;

  /// `known` and `clock` outlive it.
  MxProbe(std::vector<Endpoint> servers, std::chrono::milliseconds every, Ask ask, BetterMx& known, const Clock& clock, Log& log);

  void start();
  void ask_now();  ///< Does not wait for the answer. However many ask, a second passes between two rounds.
  /// Asks each, now; for the thread, or for a test instead of it. Breaks off if it is to stop.
  void round(const std::stop_token& stop = {});

 private:
  void run(const std::stop_token& stop);

  const std::vector<Endpoint> servers_;
  const std::chrono::milliseconds every_;
  const Ask ask_;
  BetterMx& known_;
  const Clock& clock_;
  Log& log_;
  std::vector<bool> up_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool asked_ = false;
  std::jthread thread_;  // the last: it uses the others until it has ended
};

}  // namespace deferd::traplist
