// The milter: listens where the MTA connects, and answers it by way of dialogues with the pipeline.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "base/socket_guard.h"
#include "milter/milter_config.h"
#include "milter/milter_session.h"
#include "milter/milter_socket.h"
#include "ops/metrics.h"

namespace deferd {

class Switchboard;

/// At most one a process, ever: libmilter is global, serves one socket and cannot be started again. Owner's calls come from one
/// thread.
///
/// Takes the place of the C library's sigwait() in the process, so that libmilter, which would end at SIGHUP, SIGTERM and SIGINT,
/// never gets a signal. Whoever wants them takes them by handlers.
class MilterServer {
 public:
  struct Wiring {
    OpenDialogue open;                        ///< Pipeline::open().
    std::function<std::uint32_t()> hooks;     ///< Bits of deferd::hook that the running configuration wants.
    std::function<void(std::string)> failed;  ///< libmilter gave up; called once, from its thread. The process should end.
    Log& log;
    Metrics& metrics;
  };

  /// Listens, serves nobody yet (so that rights can be dropped in between). A unix socket of a live process is never taken.
  /// Throws ErrorException: busy, invalid, io.
  MilterServer(const MilterSocket& socket, const MilterConfig& config, Wiring wiring);
  ~MilterServer();  ///< stop().

  void start();

  /// New connections follow `config`, as far as why_restart() is empty.
  void configure(const MilterConfig& config);

  /// What of these settings takes effect only after a restart; empty if nothing.
  std::string why_restart(const MilterSocket& socket, const MilterConfig& config) const;

  /// Serves on until no message is in progress, for at most `drain`; then ends every dialogue. Messages still in progress, and
  /// connections without one, end with the process: the MTA does with them what it is told to do without a milter.
  /// False: a callback hangs in a plugin, so nothing that `open` uses may be destroyed: leave by _exit().
  bool stop();

 private:
  MilterSocket socket_;
  MilterConfig first_config_;
  Wiring wiring_;
  std::unique_ptr<Switchboard> board_;
  std::optional<SocketGuard> guard_;
  bool started_ = false;
  std::optional<bool> stopped_;  // what stop() said
};

}  // namespace deferd
