// Where the SMTP front end listens: an entry of `listen.smtp`.
#pragma once
#include <string>
#include <string_view>

#include "deferd/schema.h"
#include "net/listener.h"

namespace deferd::smtp {

/// `192.0.2.1:8025`, `[2001:db8::1]:8025`, `localhost:8025` (IPv4), or `unix:PATH`. The address must be given: nothing listens
/// everywhere by accident. It may be one that this host does not have yet.
struct SmtpAddress {
  std::string path;   ///< Of a unix socket; else empty.
  Listener::Tcp tcp;  ///< Port 0: any that is free.

  /// Errors: invalid, with what was expected.
  static Result<SmtpAddress> parse(std::string_view text);

  bool is_unix() const { return !path.empty(); }
  std::string to_string() const;

  bool operator==(const SmtpAddress&) const = default;
};

}  // namespace deferd::smtp

namespace deferd {

template <>
struct Codec<smtp::SmtpAddress> {
  static std::string type() { return "socket"; }
  static Result<smtp::SmtpAddress> parse(std::string_view text) { return smtp::SmtpAddress::parse(text); }
  static std::string print(const smtp::SmtpAddress& address) { return address.to_string(); }
};

}  // namespace deferd
