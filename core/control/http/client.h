// The other end: one request to a daemon on a Unix socket, for programs that may block.
#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "deferd/result.h"

namespace deferd {

struct HttpCall {
  std::string method = "GET";
  std::string target;                          ///< Encoded: "/v1/show?key=a%40example.org"
  std::string body;                            ///< JSON; empty: none
  std::chrono::milliseconds patience{60'000};  ///< For connecting, and for each piece of the reply; 0 waits for ever.
};

struct HttpAnswer {
  int status = 0;
  std::string content_type;
  std::string body;  ///< Empty if it went to `take`.
};

/// Takes a piece of a successful (2xx) reply's body; false: no more is wanted.
using TakePiece = std::function<bool(std::string_view)>;

/// Errors: unavailable (nobody answers there, or no longer), busy (patience is over), io (the reply breaks off or is none; no
/// permission), invalid (path too long). A whole body is at most 16 MiB; with `take` there is no limit. Pieces arrive on this
/// thread; what is in memory at a time is bounded.
Result<HttpAnswer> http_call(const std::string& socket_path, const HttpCall& call, const TakePiece& take = {});

}  // namespace deferd
