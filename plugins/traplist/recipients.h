// Which recipients there are at our domains.
#pragma once
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "config.h"
#include "deferd/host.h"
#include "socketmap.h"
#include "trap_addresses.h"

namespace deferd::traplist {

/// Thread-safe. Whoever cannot be looked up counts as known.
class Recipients {
 public:
  /// Throws ErrorException if a file cannot be read or is empty: half a file, not yet written, would bounce everybody's mail.
  /// `failures`: questions to the map server that got no answer.
  Recipients(const RecipientsConfig& config, LoadedFiles& files, Log& log, Counter& failures);

  /// `folded`; also without its +extension, its domain alone (`@example.org`), its local part alone (`user` or `user@`). One
  /// without a domain, and postmaster (RFC 5321 section 4.5.1), are always known. However many questions it takes, it blocks for
  /// `timeout` at most, and not beyond the deadline of `context`. After a failure the map server is let alone for a second.
  bool knows(std::string_view folded, Context& context);

 private:
  bool asks_map(std::string_view folded, std::string_view plain, Context& context);
  bool lets_map_alone(SteadyTime now);
  void failed(const Error& error, Context& context);
  void answered(Context& context);

  std::vector<std::shared_ptr<const AddressSet>> files_;
  std::optional<Socketmap> map_;
  const std::chrono::milliseconds timeout_;
  Counter& failures_;
  std::mutex mutex_;  // of what follows
  bool failing_ = false;
  SteadyTime asks_again_{};   // not before
  SteadyTime may_recover_{};  // not before: what fails and recovers all the time would fill the log
};

}  // namespace deferd::traplist
