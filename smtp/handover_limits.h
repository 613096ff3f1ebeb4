// How long an MTA and its client may take during a hand-over.
#pragma once
#include <chrono>

namespace deferd::smtp {

/// Until the MTA has answered the recipient. Less in all than the 5 minutes that a client waits for the reply to RCPT (RFC 5321
/// section 4.5.3.2).
struct MtaPatience {
  std::chrono::milliseconds connect{5'000};
  std::chrono::milliseconds reply{30'000};
  std::chrono::milliseconds rcpt{120'000};
  /// A probe: for so long after connecting nothing is sent, and the MTA must not speak if it is to get a PROXY header first.
  std::chrono::milliseconds listen_first{0};
};

/// When both are joined.
struct SpliceLimits {
  std::chrono::milliseconds idle{std::chrono::minutes{10}};  ///< RFC 5321 section 4.5.3.2.6: for the reply to the final dot.
  std::chrono::milliseconds linger{10'000};                  ///< For a client to hang up after the MTA has.
};

}  // namespace deferd::smtp
