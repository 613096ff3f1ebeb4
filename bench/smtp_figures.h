// What programs that measure SMTP front ends tell of themselves.
#pragma once
#include <string>
#include <vector>

namespace deferd::bench {

/// CPU time that this process has used.
double own_cpu_seconds();

/// As JSON: an object with p50, p99 and max, or null if there are none. Sorts them.
std::string percentiles(std::vector<double>& values);

/// Descriptors up to the hard limit.
void raise_descriptor_limit();

}  // namespace deferd::bench
