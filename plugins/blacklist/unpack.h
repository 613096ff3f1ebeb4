// Lists may come packed by gzip, whatever they are called: recognised by their first bytes.
#pragma once
#include <cstdint>
#include <functional>
#include <string_view>

#include "deferd/result.h"

namespace deferd::blacklist {

using Take = std::function<Result<void>(std::string_view bytes)>;

/// Gives `body` to `take` in pieces, unpacked if it is packed (RFC 1952, several members one after the other as well). Errors:
/// invalid: damaged, cut off, or more than `most` bytes when unpacked; and what `take` fails with.
Result<void> unpack(std::string_view body, std::uint64_t most, const Take& take);

bool is_packed(std::string_view body);

}  // namespace deferd::blacklist
