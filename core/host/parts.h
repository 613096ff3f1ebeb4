// What the host needs of the rest of the daemon. Everything here outlives the Pipeline and is thread-safe.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "deferd/host.h"
#include "host/shared_sets.h"
#include "ops/metrics.h"
#include "ops/own_commands.h"
#include "store/engine.h"

namespace deferd {

/// The places behind Host::kept(): what plugins keep across reloads, by instance and name.
class KeptSlots {
 public:
  std::shared_ptr<void>& at(const std::string& instance, std::string_view name) {
    std::lock_guard lock(mutex_);
    return slots_[instance + '\n' + std::string(name)];
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<void>> slots_;
};

struct HostParts {
  const Clock& clock;
  Log& log;
  Metrics& metrics;
  Engine& engine;
  KeptSlots kept{};
  SharedSets sets{};
  OwnCommands own_commands{};
  Commands* lent_commands = nullptr;  ///< That run programs instead of own_commands.

  Commands& commands() { return lent_commands != nullptr ? *lent_commands : own_commands; }
};

}  // namespace deferd
