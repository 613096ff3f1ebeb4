#include "smtp_figures.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>

namespace deferd::bench {

std::string percentiles(std::vector<double>& values) {
  if (values.empty()) return "null";
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) { return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))]; };
  return fmt::format(R"({{"p50":{:.3f},"p99":{:.3f},"max":{:.3f}}})", at(.5), at(.99), values.back());
}

void raise_descriptor_limit() {
  rlimit descriptors{};
  getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max;
  setrlimit(RLIMIT_NOFILE, &descriptors);
}

}  // namespace deferd::bench
