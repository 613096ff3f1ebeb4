// How the bytes of a list are handed on: in pieces as they come, so that no list is ever in memory as a whole.
#pragma once
#include <functional>
#include <string_view>

#include "deferd/result.h"

namespace deferd::blacklist {

/// The next bytes, cut wherever. An error ends what hands them on, which fails with it.
using Take = std::function<Result<void>(std::string_view bytes)>;

}  // namespace deferd::blacklist
