#include "fake_host.h"

#include <atomic>
#include <map>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "fake_store.h"
#include "host/shared_sets.h"
#include "ops/own_commands.h"
#include "store/memory_engine.h"

namespace deferd {
namespace fakes {  // which has a name because FakeHost::Impl, which has one, is made of it

struct FakeCounter : Counter {
  void add(std::uint64_t n) noexcept override { value += n; }
  std::atomic<std::uint64_t> value = 0;
};
struct FakeGauge : Gauge {
  void set(std::int64_t new_value) noexcept override { value = new_value; }
  std::atomic<std::int64_t> value = 0;
};
struct FakeHistogram : Histogram {
  void observe(double value) noexcept override {
    const std::lock_guard lock(mutex);
    values.push_back(value);
  }
  std::mutex mutex;
  std::vector<double> values;
};

using Labels = std::map<std::string, std::string, std::less<>>;

Labels copy(std::span<const Label> labels) {
  Labels out;
  for (const auto& label : labels) out.emplace(label.name, label.value);
  return out;
}

struct FakeCommands : Commands {
  explicit FakeCommands(const Fault& broken) : fault(broken) {}
  Result<std::unique_ptr<Running>> start(const Command& command) override {
    if (auto error = fault.get()) return tl::unexpected(*error);
    return own.start(command);
  }
  const Fault& fault;
  OwnCommands own;
};

// Metrics of one kind by name and labels.
template <class Metric>
class Family {
 public:
  Metric& make(std::string_view name, std::span<const Label> labels) {
    const std::lock_guard lock(mutex_);
    return metrics_[{std::string(name), copy(labels)}];
  }
  template <class Visit>
  void each(std::string_view name, std::initializer_list<Label> labels, Visit visit) {
    const std::lock_guard lock(mutex_);
    bool found = false;
    for (auto& [key, metric] : metrics_) {
      const auto& have = key.second;
      bool matches = key.first == name;
      for (const auto& label : labels) {
        const auto it = have.find(label.name);
        matches = matches && it != have.end() && it->second == label.value;
      }
      if (!matches) continue;
      found = true;
      visit(metric);
    }
    if (!found) throw std::out_of_range("no metric of this name and labels was made: " + std::string(name));
  }

 private:
  std::mutex mutex_;
  std::map<std::pair<std::string, Labels>, Metric> metrics_;
};

}  // namespace fakes

struct FakeHost::Impl {
  explicit Impl(const std::string& plugin) : engine(make_memory_engine(clock)), space(engine->open_space(plugin)) {}

  FakeClock clock;
  FakeLog log;
  Fault fault;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Store> space;
  FakeStore store{*space, fault};
  FakeTables tables{engine->tables(), fault};
  fakes::Family<fakes::FakeCounter> counters;
  fakes::Family<fakes::FakeGauge> gauges;
  fakes::Family<fakes::FakeHistogram> histograms;
  std::mutex kept_mutex;
  std::map<std::string, std::shared_ptr<void>, std::less<>> kept;
  SharedSets shared_sets;
  PluginSets sets{shared_sets};
  Fault commands_fault;
  fakes::FakeCommands commands{commands_fault};
};

FakeHost::FakeHost(std::string plugin) : impl_(std::make_unique<Impl>(plugin)) {}
FakeHost::~FakeHost() = default;

const FakeClock& FakeHost::clock() const { return impl_->clock; }
FakeClock& FakeHost::clock() { return impl_->clock; }
FakeLog& FakeHost::log() { return impl_->log; }
Store& FakeHost::store() { return impl_->store; }
Tables& FakeHost::tables() { return impl_->tables; }
Sets& FakeHost::sets() { return impl_->sets; }
Commands& FakeHost::commands() { return impl_->commands; }
Engine& FakeHost::engine() { return *impl_->engine; }

Counter& FakeHost::counter(std::string_view name, std::span<const Label> labels, std::string_view) {
  return impl_->counters.make(name, labels);
}
Gauge& FakeHost::gauge(std::string_view name, std::span<const Label> labels, std::string_view) {
  return impl_->gauges.make(name, labels);
}
Histogram& FakeHost::histogram(std::string_view name, std::span<const Label> labels, std::span<const double>, std::string_view) {
  return impl_->histograms.make(name, labels);
}

std::shared_ptr<void>& FakeHost::kept(std::string_view name) {
  const std::lock_guard lock(impl_->kept_mutex);
  return impl_->kept[std::string(name)];
}

std::uint64_t FakeHost::count(std::string_view name, std::initializer_list<Label> labels) const {
  std::uint64_t sum = 0;
  impl_->counters.each(name, labels, [&](const fakes::FakeCounter& counter) { sum += counter.value; });
  return sum;
}

std::int64_t FakeHost::gauge_value(std::string_view name, std::initializer_list<Label> labels) const {
  std::int64_t sum = 0;
  impl_->gauges.each(name, labels, [&](const fakes::FakeGauge& gauge) { sum += gauge.value; });
  return sum;
}

std::vector<double> FakeHost::observed(std::string_view name, std::initializer_list<Label> labels) const {
  std::vector<double> all;
  impl_->histograms.each(name, labels, [&](fakes::FakeHistogram& histogram) {
    const std::lock_guard lock(histogram.mutex);
    all.insert(all.end(), histogram.values.begin(), histogram.values.end());
  });
  return all;
}

void FakeHost::break_store(Error error) { impl_->fault.set(std::move(error)); }
void FakeHost::mend_store() { impl_->fault.set(std::nullopt); }
void FakeHost::break_commands(Error error) { impl_->commands_fault.set(std::move(error)); }
void FakeHost::mend_commands() { impl_->commands_fault.set(std::nullopt); }

FakeContext::FakeContext(FakeHost& host) : host_(host), deadline_(host.clock().steady() + std::chrono::seconds(1)) {
  session_.id = 1;
  session_.client = Address::v4(0xC0000207);
  session_.client_name = "mail.example.org";
  session_.helo = "mail.example.org";
  session_.front_end = "milter";
  session_.mail_from = "a@example.org";
}

void FakeContext::next_transaction(std::string mail_from) {
  slot_.reset();
  session_.mail_from = std::move(mail_from);
  session_.mail_parameters.clear();
  session_.rcpt_to.clear();
  session_.headers.clear();
  session_.tags.clear();
  session_.queue_id.clear();
}

}  // namespace deferd
