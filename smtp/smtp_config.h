// The `smtp:` section of the configuration.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file_mode.h"
#include "deferd/address.h"
#include "deferd/schema.h"
#include "host/pipeline.h"
#include "smtp/tls.h"

namespace deferd::smtp {

/// What clients hear, without codes; texts.h has the expansions.
struct SmtpTexts {
  std::string banner = "%h ESMTP";                                    ///< 220
  std::string ready = "Ready";                                        ///< 250, after our name, to HELO and EHLO.
  std::string sender_ok = "OK";                                       ///< 250 to MAIL.
  std::string recipient_ok = "OK";                                    ///< 250 to RCPT.
  std::string data = "End data with <CR><LF>.<CR><LF>";               ///< 354, for clients that are held.
  std::string later = "Please try again later";                       ///< 451 where no plugin gave a text.
  std::string busy = "Too many connections, please try again later";  ///< 421
  std::string goodbye = "Bye";                                        ///< 221, after our name.
  static Schema<SmtpTexts> schema();
};

/// How many, how fast, how long. Counts are of the whole front end.
struct SmtpLimits {
  int total = 15'000;                  ///< Connections; capped to what descriptors allow.
  int kept = 10'000;                   ///< Of these, held clients: beyond, the oldest are released. May be above `total`.
  int per_prefix = 100;                ///< Connections of one /24 or /64.
  int new_per_prefix = 60;             ///< New connections a minute of one /24 or /64; 0: no limit.
  int tls = 2'000;                     ///< Connections inside TLS: about 14 KiB each.
  int recipients = 1'000;              ///< Of one message (RFC 5321 section 4.5.3.1.8 asks for 100).
  int errors = 20;                     ///< Commands we do not take, then 421.
  std::chrono::seconds idle{300};      ///< RFC 5321 section 4.5.3.2.7: for the next whole line.
  std::chrono::seconds session{3600};  ///< Altogether, unless kept busy.
  std::chrono::seconds kept_session{4 * 3600};
  static Schema<SmtpLimits> schema();
};

struct HandoverConfig {
  enum class With : std::uint8_t { proxy_v2, xclient };
  std::string to;  ///< As SmtpAddress reads it, but port 0; empty: off.
  With with = With::proxy_v2;
  std::chrono::seconds drain{300};  ///< At the end of deferd, for sessions handed over.
  std::chrono::seconds probe{60};   ///< How often the MTA is asked what it offers.
  int led = 20;                     ///< Clients that are not white, and keep a connection to the MTA, at a time.
  static Schema<HandoverConfig> schema();
};

struct SmtpConfig {
  std::string name;                ///< In banner, EHLO and 221; empty: the host's.
  std::string product = "deferd";  ///< `%n` of the texts.
  std::optional<Voice> voice;      ///< Default: rcpt with hand-over, else data.
  SmtpTexts texts;
  SmtpLimits limits;
  TlsConfig tls;
  HandoverConfig handover;
  std::vector<Prefix> proxy_from;  ///< Balancers: their connections must begin with a PROXY header, nobody else's may.
  int threads = 0;                 ///< I/O threads; 0: one a core, at most 4.
  int workers = 40;                ///< Threads in which plugins think.
  int window = 0;                  ///< Receive buffer while a held client sends its message, bytes; 0: the system's.
  std::string socket_owner;        ///< Of unix sockets; empty: whoever starts deferd.
  std::string socket_group;        ///< Empty: the owner's.
  FileMode socket_mode;
  static Schema<SmtpConfig> schema();

  Voice voiced() const { return voice.value_or(handover.to.empty() ? Voice::data : Voice::rcpt); }
};

}  // namespace deferd::smtp

namespace deferd {

template <>
struct Choices<smtp::HandoverConfig::With> {
  static constexpr std::pair<std::string_view, smtp::HandoverConfig::With> values[] = {
      {"proxy-v2", smtp::HandoverConfig::With::proxy_v2}, {"xclient", smtp::HandoverConfig::With::xclient}};
};

}  // namespace deferd
