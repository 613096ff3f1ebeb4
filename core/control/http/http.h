// One HTTP exchange as handlers see it: the request whole, the reply whole or in pieces.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/peer.h"

namespace deferd {

struct HttpRequest {
  std::string method;                                      ///< "GET"
  std::string path;                                        ///< Decoded, without the query: "/v1/status".
  std::vector<std::pair<std::string, std::string>> query;  ///< Decoded, in order.
  std::string body;
  std::optional<Peer> peer;  ///< Who is at the other end, if the system tells.
};

/// Lent to a handler for one exchange, used by its thread only. Calls block until the bytes are on their way, so what is held in
/// memory does not grow with the reply. False: the peer is gone or too slow, nothing more can be told.
class HttpReply {
 public:
  virtual ~HttpReply() = default;
  virtual bool send(int status, std::string_view content_type, std::string_view body) = 0;  ///< The whole reply.
  virtual bool begin(int status, std::string_view content_type) = 0;                        ///< A reply in pieces, then:
  virtual bool write(std::string_view piece) = 0;                                           ///< Gathered into larger packets.
  virtual bool begun() const = 0;                                                           ///< send() or begin() was called.
};

/// Runs on a thread that may block. When it throws, the client gets status 500, or a reply that visibly breaks off.
using HttpHandler = std::function<void(const HttpRequest&, HttpReply&)>;

}  // namespace deferd
