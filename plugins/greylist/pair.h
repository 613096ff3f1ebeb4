// What is remembered of a pair whatever address tries it: the bound on the waiting, and how long it has been.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "deferd/time.h"

namespace deferd::greylist {

struct Pair {
  Time first{};
  Time last{};
  std::uint32_t tries = 0;

  bool operator==(const Pair&) const = default;
};

/// Whether mail of this pair has waited so long that this try is let through once, whoever makes it: a try at least `max_wait`
/// and at least `pass_time` after the first. A `max_wait` of 0 is never.
bool waited_enough(const std::optional<Pair>& pair, Time now, Duration max_wait, Duration pass_time);

/// The pair after one more try that has to wait.
Pair one_more_try(const std::optional<Pair>& pair, Time now);

std::string encode(const Pair& pair);
std::optional<Pair> decode_pair(std::string_view bytes);  ///< Nothing if it is of another version, or damaged.

}  // namespace deferd::greylist
