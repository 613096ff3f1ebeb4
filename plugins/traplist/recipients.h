// Which recipients there are at our domains.
#pragma once
#include <atomic>
#include <memory>
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
  /// Throws ErrorException if a file cannot be read. `failures`: questions to the map server that got no answer.
  Recipients(const RecipientsConfig& config, LoadedFiles& files, Log& log, Counter& failures);

  /// `folded`; also without its +extension, its domain alone (`@example.org`), its local part alone (`user` or `user@`). One
  /// without a domain, and postmaster (RFC 5321 section 4.5.1), are always known.
  bool knows(std::string_view folded, Log& log);

 private:
  bool asks_map(std::string_view folded, std::string_view plain, Log& log);

  std::vector<std::shared_ptr<const AddressSet>> files_;
  std::optional<Socketmap> map_;
  Counter& failures_;
  std::atomic<bool> map_failing_ = false;
};

}  // namespace deferd::traplist
