// Counters, gauges and histograms: label values are resolved to handles at start, hot counters live per thread and are summed at
// scrape. Text format of Prometheus (exposition format 0.0.4).
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "deferd/host.h"

namespace deferd {

/// Thread-safe. Handles live as long as the registry; the same name and labels give the same handle.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  /// Throws std::invalid_argument when a name is no metric name, or was made before with another kind or other label names.
  Counter& counter(std::string_view name, std::span<const Label> labels, std::string_view help);
  Gauge& gauge(std::string_view name, std::span<const Label> labels, std::string_view help);
  Histogram& histogram(std::string_view name, std::span<const Label> labels, std::span<const double> bounds,
                       std::string_view help);

  Counter& counter(std::string_view name, std::initializer_list<Label> labels, std::string_view help) {
    return counter(name, std::span<const Label>(labels.begin(), labels.size()), help);
  }
  Gauge& gauge(std::string_view name, std::initializer_list<Label> labels, std::string_view help) {
    return gauge(name, std::span<const Label>(labels.begin(), labels.size()), help);
  }
  Histogram& histogram(std::string_view name, std::initializer_list<Label> labels, std::span<const double> bounds,
                       std::string_view help) {
    return histogram(name, std::span<const Label>(labels.begin(), labels.size()), bounds, help);
  }

  std::string text() const;                          ///< For GET /metrics.
  std::uint64_t value(std::string_view name) const;  ///< Sum over all labels of a counter; for `deferctl stats` and tests.

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace deferd
