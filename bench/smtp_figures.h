// What programs that measure SMTP front ends tell of themselves.
#pragma once
#include <string>
#include <vector>

#include "cpu_time.h"

namespace deferd::bench {

/// As JSON: an object with p50, p99 and max, or null if there are none. Sorts them.
std::string percentiles(std::vector<double>& values);

/// Descriptors up to the hard limit.
void raise_descriptor_limit();

}  // namespace deferd::bench
