// What an operator writes under `pfbridge`.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pfbridge/helper_place.h"
#include "pfbridge/link.h"
#include "pfbridge/watcher.h"

namespace deferd::pfbridge {

struct GuardConfig {
  unsigned percent = 10;
  std::uint64_t at_least = 50;
  static Schema<GuardConfig> schema();
};

struct Config {
  Value helper;
  std::vector<std::pair<std::string, std::string>> tables;
  bool keep_foreign = true;
  std::chrono::seconds reconcile = std::chrono::hours{1};
  GuardConfig guard;
  std::chrono::seconds lease = std::chrono::minutes{10};
  WatchConfig watch;
  static Schema<Config> schema();
};

/// What of it the conversation with the helpers depends on: a reload that changes nothing of this does not disturb it.
struct Settings {
  std::vector<HelperPlace> helpers;
  LinkTables tables;
  SyncRules rules;
  std::optional<HelperPlace> watch;
  bool operator==(const Settings&) const = default;

  /// Of a configuration that was checked.
  static Settings of(const Config& config);
};

}  // namespace deferd::pfbridge
