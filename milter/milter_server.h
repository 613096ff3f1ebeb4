// The milter: listens where MTAs connect, and answers them by way of dialogues with the pipeline.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "milter/milter_config.h"
#include "milter/milter_session.h"
#include "milter/milter_socket.h"
#include "net/listener.h"
#include "ops/metrics.h"

namespace deferd {

/// Thread-safe. Threads of its own serve the MTAs, and run the hooks of plugins.
class MilterServer {
 public:
  struct Wiring {
    OpenDialogue open;                     ///< Pipeline::open().
    std::function<std::uint32_t()> hooks;  ///< Bits of deferd::hook that the running configuration wants.
    Log& log;
    Metrics& metrics;
  };

  /// Listens, serves nobody yet. A unix socket of a live process is never taken. No sockets: there is nothing to do until apply()
  /// brings some. Throws ErrorException: busy, invalid, io.
  MilterServer(const std::vector<MilterSocket>& sockets, const MilterConfig& config, Wiring wiring);
  ~MilterServer();  ///< stop().

  void start();

  /// Sockets and settings to change to, with all that could fail done.
  struct Change {
    std::vector<MilterSocket> sockets;
    MilterConfig config;
    std::vector<std::pair<MilterSocket, Listener>> opened;  ///< Those of `sockets` that are new.
  };
  /// Opens what is new, and gives kept unix sockets to the owner the settings name. Errors: busy, invalid, io; then nothing has
  /// changed. A change that is not applied closes again what it opened.
  Result<Change> prepare(const std::vector<MilterSocket>& sockets, const MilterConfig& config);
  /// New connections follow the new settings; those at sockets that are gone go on to their end.
  void apply(Change change);

  /// Where it listens; with the real port, if any was taken.
  std::vector<MilterSocket> sockets() const;

  /// Takes no new connections, but serves on until no message is in progress, for at most `drain`; then ends every dialogue and
  /// hangs up. MTAs do with the mail at hand what they are told to do without a milter.
  /// False: a hook of a plugin hangs, so nothing that `open` uses may be destroyed: leave by _exit().
  bool stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace deferd
