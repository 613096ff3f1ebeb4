// Numbers for `deferctl stats`, taken from the text of /metrics so that both always agree.
#pragma once
#include <string_view>

#include "deferd/value.h"

namespace deferd {

/// {"decisions": {"defer": 12, ...}, "counters": {"deferd_x_total": 7, ...}}: decisions on recipients by action, and every
/// counter summed over its labels. `exposition`: Prometheus text format 0.0.4, as Metrics::text() writes it.
Value stats_value(std::string_view exposition);

}  // namespace deferd
