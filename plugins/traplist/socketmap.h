// Questions to a map server: socketmap_table(5) of Postfix, and Sendmail's socket maps.
#pragma once
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/result.h"
#include "tcp.h"

namespace deferd::traplist {

struct SocketmapPlace {
  std::string unix_path;  ///< Empty: `endpoint`.
  Endpoint endpoint;
  std::string map;

  /// unix:/run/map:NAME, inet:127.0.0.1:2525:NAME, inet:[::1]:2525:NAME. Errors: invalid.
  static Result<SocketmapPlace> parse(std::string_view text);
};

/// Thread-safe; keeps a few connections. A question that meets a connection closed meanwhile is asked once more on a new one.
class Socketmap {
 public:
  explicit Socketmap(SocketmapPlace place) : place_(std::move(place)) {}

  /// Whether the map has the key. Blocks until `deadline` at most. Errors: unavailable (no answer in time, TEMP, TIMEOUT),
  /// invalid (PERM, no answer of a map server).
  Result<bool> has(std::string_view key, Line::Deadline deadline);

 private:
  Result<bool> ask(Line& line, std::string_view key, Line::Deadline deadline) const;
  std::optional<Line> idle_line();
  void keep(Line line);

  static constexpr std::size_t kMostIdle = 8;
  const SocketmapPlace place_;
  std::mutex mutex_;
  std::vector<Line> idle_;
};

}  // namespace deferd::traplist
