// Asks the MTA that clients are handed over to, now and then: is it there, what does it offer, and does it take a stranger for a
// stranger. Without a good answer nobody is handed over.
//
// A target that ignores the PROXY header, or lets us speak for the client without telling it from one of its own, would relay
// for anybody: an open relay. So the probe comes as a client from the documentation network 192.0.2.0/24 (RFC 5737) and asks for
// a recipient in a domain that nobody has (RFC 2606). It never sends a message.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "deferd/host.h"
#include "smtp/mta_client.h"
#include "smtp/smtp_address.h"

namespace deferd::smtp {

/// What the last probe found.
struct MtaState {
  enum class Kind : std::uint8_t {
    unknown,  ///< No probe has ended yet.
    ready,
    down,    ///< It cannot be reached, or not at present.
    unsafe,  ///< It does not do what hand-over needs. It is not used before it does.
  };
  Kind kind = Kind::unknown;
  /// EHLO keywords that a client may be offered: SIZE with its limit, 8BITMIME, SMTPUTF8, DSN, ENHANCEDSTATUSCODES.
  std::vector<std::string> extensions;
  std::string why;     ///< Unless it is ready.
  std::string remedy;  ///< If it is unsafe.

  bool ready() const { return kind == Kind::ready; }
  bool operator==(const MtaState&) const = default;
};

/// What a probe's dialogue means.
MtaState judge(const MtaResult& result, HandoverConfig::With with);

/// The dialogue of a probe.
MtaScript probe_script(HandoverConfig::With with, const std::string& our_name);

/// One thread. Its calls are thread-safe.
class MtaProbe {
 public:
  /// Called from the probe's thread when the state has changed.
  using Changed = std::function<void(const MtaState&)>;

  /// Begins at once, then every `config.probe`, and every 5 s (at most) while the MTA is not ready.
  MtaProbe(const HandoverConfig& config, std::string our_name, Log& log, Changed changed);
  ~MtaProbe();  ///< A probe under way is given up.

  std::shared_ptr<const MtaState> state() const;
  void doubt();  ///< A hand-over has failed: probe now. At most once a second.

  const SmtpAddress& target() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace deferd::smtp
