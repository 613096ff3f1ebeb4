// Which sender domains an identity is known for: it passed greylisting for several different pairs of them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/store.h"
#include "deferd/time.h"
#include "identity.h"

namespace deferd::greylist {

/// The passes of one identity for one sender domain, one of each pair, the latest; never more than kMost.
struct KnownSender {
  static constexpr std::size_t kMost = 16;
  struct Pass {
    std::uint32_t pair = 0;  ///< A hash: two pairs in four thousand million may count as one.
    Time when{};
    bool operator==(const Pass&) const = default;
  };
  std::vector<Pass> passes;

  /// How many pairs passed within `expiry`, and after `revoked`.
  std::size_t pairs(Time now, Duration expiry, Time revoked) const;

  /// Notes a pass; false if there is nothing to write, because the same pair passed within the hour.
  bool learn(std::uint32_t pair, Time now);

  bool operator==(const KnownSender&) const = default;
};

std::string encode(const KnownSender& known);
std::optional<KnownSender> decode_known_sender(std::string_view bytes);  ///< Nothing if of another version, or damaged.

std::uint32_t pair_hash(std::string_view pair_group);

/// Adds a pass to the record of `identity` and `domain`, which then is kept for `expiry`.
Result<void> learn_pass(Store& store, const Identity& identity, std::string_view domain, std::uint32_t pair, Time now,
                        Duration expiry);

}  // namespace deferd::greylist
