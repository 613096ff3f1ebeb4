#include "ops/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "ops/cells.h"

namespace deferd {
namespace {

/// One metric with its label values.
class Series {
 public:
  virtual ~Series() = default;
  virtual void show(prometheus::ClientMetric& out) const = 0;
  virtual std::uint64_t count() const { return 0; }
};

class CellCounter final : public Series, public Counter {
 public:
  explicit CellCounter(Cells& cells) : cells_(cells), cell_(cells.reserve(1)) {}
  void add(std::uint64_t n) noexcept override { cells_.add(cell_, n); }
  void show(prometheus::ClientMetric& out) const override { out.counter.value = static_cast<double>(count()); }
  std::uint64_t count() const override {
    std::uint64_t sum = 0;
    cells_.sum(cell_, std::span(&sum, 1));
    return sum;
  }

 private:
  Cells& cells_;
  std::size_t cell_;
};

class AtomicGauge final : public Series, public Gauge {
 public:
  void set(std::int64_t value) noexcept override { value_.store(value, std::memory_order_relaxed); }
  void show(prometheus::ClientMetric& out) const override {
    out.gauge.value = static_cast<double>(value_.load(std::memory_order_relaxed));
  }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// A cell for each bucket, the last one for what is above all bounds, and one for the sum.
class CellHistogram final : public Series, public Histogram {
 public:
  CellHistogram(Cells& cells, std::span<const double> bounds)
      : cells_(cells), bounds_(bounds.begin(), bounds.end()), first_(cells.reserve(bounds_.size() + 2)) {}

  void observe(double value) noexcept override {
    if (!std::isfinite(value)) return;  // would spoil the sum for ever
    const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
    cells_.add(first_ + static_cast<std::size_t>(bucket), 1);
    cells_.add_real(first_ + bounds_.size() + 1, value);
  }

  void show(prometheus::ClientMetric& out) const override {
    std::vector<std::uint64_t> counts(bounds_.size() + 1);
    cells_.sum(first_, counts);
    std::uint64_t so_far = 0;
    for (std::size_t i = 0; i < bounds_.size(); ++i) out.histogram.bucket.push_back({so_far += counts[i], bounds_[i]});
    out.histogram.sample_count = so_far + counts.back();
    out.histogram.sample_sum = cells_.sum_real(first_ + bounds_.size() + 1);
  }
  const std::vector<double>& bounds() const { return bounds_; }

 private:
  Cells& cells_;
  std::vector<double> bounds_;
  std::size_t first_;
};

using LabelSet = std::vector<std::pair<std::string, std::string>>;  // sorted by name

struct Family {
  prometheus::MetricType type;
  std::string help;
  std::map<LabelSet, std::unique_ptr<Series>> series;
};

[[noreturn]] void refuse(std::string_view name, const std::string& why) {
  throw std::invalid_argument("metric '" + std::string(name) + "': " + why);
}

/// Exposition format 0.0.4: [a-zA-Z_:][a-zA-Z0-9_:]*, without ':' for labels.
bool is_name(std::string_view name, bool colons) {
  const auto good = [colons](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9') || (c == ':' && colons);
  };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::all_of(name.begin(), name.end(), good);
}

LabelSet label_set(std::string_view metric, std::span<const Label> labels) {
  LabelSet set;
  for (const auto& label : labels) {
    if (!is_name(label.name, false) || label.name.starts_with("__") || label.name == "le")
      refuse(metric, std::string(label.name) + " cannot be the name of a label");
    set.emplace_back(label.name, label.value);
  }
  std::sort(set.begin(), set.end());
  const auto same_name = [](const auto& a, const auto& b) { return a.first == b.first; };
  if (std::adjacent_find(set.begin(), set.end(), same_name) != set.end()) refuse(metric, "a label is given twice");
  return set;
}

bool same_names(const LabelSet& a, const LabelSet& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) { return x.first == y.first; });
}

/// The serializer writes it as it is.
std::string escaped_help(std::string_view help) {
  std::string out;
  for (const char c : help) out += c == '\n' ? "\\n" : c == '\\' ? "\\\\" : std::string(1, c);
  return out;
}

}  // namespace

struct Metrics::Impl {
  std::shared_ptr<Cells> cells = Cells::make();
  mutable std::mutex mutex;
  std::map<std::string, Family, std::less<>> families;

  /// The series of these labels, made by `make` if it is new.
  template <class S, class Make>
  S& find(prometheus::MetricType type, std::string_view name, std::span<const Label> labels, std::string_view help, Make make) {
    if (!is_name(name, true)) refuse(name, "no name of a metric");
    auto set = label_set(name, labels);
    const std::lock_guard lock(mutex);
    auto family = families.find(name);
    if (family != families.end()) {
      if (family->second.type != type) refuse(name, "was made before as another kind");
      if (!same_names(family->second.series.begin()->first, set)) refuse(name, "was made before with other labels");
      const auto known = family->second.series.find(set);
      if (known != family->second.series.end()) return static_cast<S&>(*known->second);
    }
    auto made = make();
    if (family == families.end()) family = families.emplace(name, Family{type, escaped_help(help), {}}).first;
    return static_cast<S&>(*family->second.series.emplace(std::move(set), std::move(made)).first->second);
  }
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

Counter& Metrics::counter(std::string_view name, std::span<const Label> labels, std::string_view help) {
  return impl_->find<CellCounter>(prometheus::MetricType::Counter, name, labels, help,
                                  [&] { return std::make_unique<CellCounter>(*impl_->cells); });
}

Gauge& Metrics::gauge(std::string_view name, std::span<const Label> labels, std::string_view help) {
  return impl_->find<AtomicGauge>(prometheus::MetricType::Gauge, name, labels, help,
                                  [] { return std::make_unique<AtomicGauge>(); });
}

Histogram& Metrics::histogram(std::string_view name, std::span<const Label> labels, std::span<const double> bounds,
                              std::string_view help) {
  if (std::adjacent_find(bounds.begin(), bounds.end(), std::greater_equal<>()) != bounds.end() ||
      !std::all_of(bounds.begin(), bounds.end(), [](double bound) { return std::isfinite(bound); }))
    refuse(name, "the bounds of a histogram must grow");
  auto& histogram = impl_->find<CellHistogram>(prometheus::MetricType::Histogram, name, labels, help,
                                               [&] { return std::make_unique<CellHistogram>(*impl_->cells, bounds); });
  if (!std::equal(bounds.begin(), bounds.end(), histogram.bounds().begin(), histogram.bounds().end()))
    refuse(name, "was made before with other bounds");
  return histogram;
}

std::string Metrics::text() const {
  std::vector<prometheus::MetricFamily> families;
  {
    const std::lock_guard lock(impl_->mutex);
    for (const auto& [name, family] : impl_->families) {
      auto& shown = families.emplace_back(prometheus::MetricFamily{name, family.help, family.type, {}});
      for (const auto& [labels, series] : family.series) {
        auto& metric = shown.metric.emplace_back();
        for (const auto& [label, value] : labels) metric.label.push_back({label, value});
        series->show(metric);
      }
    }
  }
  std::ostringstream out;
  prometheus::TextSerializer{}.Serialize(out, families);
  return std::move(out).str();
}

std::uint64_t Metrics::value(std::string_view name) const {
  const std::lock_guard lock(impl_->mutex);
  const auto family = impl_->families.find(name);
  if (family == impl_->families.end()) return 0;
  std::uint64_t sum = 0;
  for (const auto& [labels, series] : family->second.series) sum += series->count();
  return sum;
}

}  // namespace deferd
