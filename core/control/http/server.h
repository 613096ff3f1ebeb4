// HTTP/1.1 over a Unix socket, for a handful of trusted local clients: operators' tools, a scraper, a dashboard.
#pragma once
#include <chrono>
#include <cstddef>
#include <memory>

#include "deferd/host.h"
#include "http/http.h"
#include "net/listener.h"

namespace deferd {

struct HttpLimits {
  std::size_t connections = 16;  ///< More wait in the listen queue. Each has a thread for its handler.
  std::size_t header_bytes = 16 * 1024;
  std::size_t body_bytes = 64 * 1024;
  std::chrono::milliseconds request_time{10'000};  ///< For a request to arrive whole, and for the next one to begin.
  std::chrono::milliseconds piece_time{30'000};    ///< For the client to take one piece of a reply.
};

/// One thread for the sockets, one per possible connection for handlers: a slow reader or a handler that blocks holds up nobody
/// else. Requests refused before a handler sees them get {"error": ..., "code": ...}.
class HttpServer {
 public:
  /// Serves at once. `log` outlives the server; `handler` is called from several threads at a time.
  HttpServer(Listener listener, HttpLimits limits, HttpHandler handler, Log& log);
  /// Closes every connection and waits for handlers still running (their writes fail at once).
  ~HttpServer();

  const std::string& path() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace deferd
