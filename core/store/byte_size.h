// An amount of bytes in configuration: `256MiB`.
#pragma once
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "deferd/schema.h"

namespace deferd {

struct ByteSize {
  std::uint64_t bytes = 0;
  auto operator<=>(const ByteSize&) const = default;
};

template <>
struct Codec<ByteSize> {
  static std::string type() { return "size"; }
  /// A whole number and one of B, KiB, MiB, GiB, TiB; a bare number only if it is 0. Errors: invalid.
  static Result<ByteSize> parse(std::string_view text);
  static std::string print(ByteSize value);  ///< In the largest unit that keeps it whole.
};

}  // namespace deferd
