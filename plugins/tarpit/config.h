// What an operator writes under `tarpit`.
#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "deferd/schema.h"

namespace deferd::tarpit {

/// Clients that are kept busy to the end.
struct HoldConfig {
  std::vector<std::string> tags{"blacklist.hit", "listed", "traplist.hit"};
  std::vector<std::string> tables{"trapped"};
  std::chrono::milliseconds per_byte = std::chrono::seconds{1};  ///< spamd(8) -s
  static Schema<HoldConfig> schema();
};

/// Everybody else who is neither white nor exempt.
struct StrangersConfig {
  std::chrono::milliseconds per_byte = std::chrono::seconds{1};  ///< spamd(8) -s; 0: no stutter
  std::chrono::milliseconds during = std::chrono::seconds{10};   ///< spamd(8) -S; 0: to the end
  static Schema<StrangersConfig> schema();
};

struct Config {
  HoldConfig hold;
  StrangersConfig strangers;
  std::chrono::milliseconds delay{0};
  static Schema<Config> schema();
};

}  // namespace deferd::tarpit
