// Replies as an MTA gives them. Pure.
#pragma once
#include <cstddef>
#include <string_view>

namespace deferd::smtp {

inline constexpr std::size_t kLongestReply = 16 * 1024;  ///< Of all its lines.

struct MtaReply {
  int code = 0;          ///< 200 to 599. 0: more is needed; -1: this is no reply, or too long a one.
  std::size_t size = 0;  ///< Of all its lines with their ends.
};

/// The reply at the beginning of `bytes`: RFC 5321 section 4.2.1. A line may end with LF alone.
MtaReply first_reply(std::string_view bytes);

}  // namespace deferd::smtp
