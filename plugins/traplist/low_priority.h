// Who goes to the MX of the lowest priority though every better one accepts mail. spamd(8) -M.
#pragma once
#include <functional>
#include <mutex>
#include <unordered_map>

#include "better_mx.h"
#include "config.h"
#include "deferd/time.h"

namespace deferd::traplist {

/// A client is only suspected at its try; it is found guilty by a later one, after the better MXs were asked again. So senders
/// that come because the better MX died this moment are not trapped. Thread-safe.
class LowPriority {
 public:
  /// All outlive it. `ask_now` has the better MXs asked soon, without waiting for it.
  LowPriority(const LowPriorityConfig& config, const BetterMx& known, std::function<void()> ask_now)
      : config_(config), known_(known), ask_now_(std::move(ask_now)) {}

  bool is_ours(const Address& local) const;

  enum class Finding : std::uint8_t { innocent, suspected, guilty };
  /// A try at an address of ours by a client that has tried no better MX. Of a `dry` one nothing is kept.
  Finding judge(const Address& client, SteadyTime now, bool dry);

  std::size_t suspects() const;  ///< How many there are, with those of too long ago that were not swept away yet.

 private:
  static constexpr std::size_t kMostSuspects = 20'000;
  static constexpr auto kSuspectedFor = std::chrono::hours{24};
  static constexpr auto kSweepEvery = std::chrono::minutes{1};

  const LowPriorityConfig& config_;
  const BetterMx& known_;
  const std::function<void()> ask_now_;
  void make_room(SteadyTime now);

  mutable std::mutex mutex_;
  std::unordered_map<Address, SteadyTime> suspects_;  // since when
  std::optional<SteadyTime> swept_;
};

}  // namespace deferd::traplist
