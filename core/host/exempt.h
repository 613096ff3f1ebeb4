// Who is never greylisted, trapped, listed or slowed: decided before any plugin is asked, the same through every front end.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "deferd/matchlist.h"
#include "deferd/prefix_set.h"
#include "deferd/schema.h"
#include "deferd/session.h"

namespace deferd {

/// A host as the configuration names it: an address, a prefix, or a name as the MTA has verified it.
struct HostEntry {
  std::string text;
};
template <>
struct Codec<HostEntry> {
  static std::string type() { return "address, prefix or host name"; }
  static Result<HostEntry> parse(std::string_view text);
  static std::string print(const HostEntry& entry) { return entry.text; }
};

struct ExemptConfig {
  /// Nobody else can have a loopback address; `networks: []` exempts nobody by address.
  std::vector<Prefix> networks = {Prefix(Address::v4(0x7f000000), 8),
                                  Prefix(Address::v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}))};
  std::vector<HostEntry> own_mx;
  std::vector<HostEntry> relays;
  std::vector<std::string> files;
  bool authenticated = true;
  bool certificates = true;
  static Schema<ExemptConfig> schema();
};

/// Immutable; any thread may ask.
class Exempt {
 public:
  /// Reads the files. What is wrong with them goes to `problems`; nullptr if that is anything.
  static std::shared_ptr<const Exempt> build(const ExemptConfig& config, Problems& problems);

  /// Why this client is exempt, for the log: "authenticated as alice", "own network 127.0.0.0/8", "relay mx.example.org",
  /// "listed in FILE:LINE". Nothing if it is not. Asked again whenever more is known of the session.
  std::optional<std::string> reason(const Session& session) const;

  /// Who is exempt by address alone.
  const std::shared_ptr<const PrefixSet>& addresses() const { return addresses_; }

 private:
  explicit Exempt(const ExemptConfig& config);
  void collect_addresses();

  bool authenticated_;
  bool certificates_;
  PrefixList networks_;
  HostList own_mx_;
  HostList relays_;
  std::vector<std::pair<std::string, std::shared_ptr<const HostList>>> files_;
  std::shared_ptr<const PrefixSet> addresses_;
};

}  // namespace deferd
