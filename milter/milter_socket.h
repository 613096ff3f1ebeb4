// Where the MTA finds the milter.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "deferd/schema.h"

namespace deferd {

/// `unix:PATH` (also `local:PATH`), `inet:PORT@HOST` and `inet6:PORT@HOST` as Sendmail and libmilter write it, `inet:HOST:PORT`
/// as Postfix does. HOST is an address or `localhost`, and must be given: nothing listens everywhere by accident.
struct MilterSocket {
  std::string path;  ///< Of a unix socket; else empty.
  Address host;
  std::uint16_t port = 0;

  /// Errors: invalid, with what was expected.
  static Result<MilterSocket> parse(std::string_view text);

  bool is_unix() const { return !path.empty(); }
  std::string to_string() const;  ///< As Sendmail writes it: `unix:/run/deferd/milter.sock`, `inet6:8891@::1`.

  bool operator==(const MilterSocket&) const = default;
};

template <>
struct Codec<MilterSocket> {
  static std::string type() { return "socket"; }
  static Result<MilterSocket> parse(std::string_view text) { return MilterSocket::parse(text); }
  static std::string print(const MilterSocket& socket) { return socket.to_string(); }
};

}  // namespace deferd
