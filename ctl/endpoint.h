// Address and port of a TCP socket, as the daemon writes them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "deferd/address.h"

namespace deferd::ctl {

struct Endpoint {
  Address address;
  std::uint16_t port = 0;

  bool everywhere() const;  ///< 0.0.0.0 or ::
  /// Nullopt: a unix socket, or no such text.
  static std::optional<Endpoint> parse(std::string_view text);
  std::string to_string() const;
};

}  // namespace deferd::ctl
