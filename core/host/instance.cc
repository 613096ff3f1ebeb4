#include "host/instance.h"

#include <vector>

namespace deferd {

// ---- Health

namespace {
std::int64_t nanoseconds(SteadyTime time) { return time.time_since_epoch().count(); }
}  // namespace

Health::Way Health::way(const Clock& clock) {
  if (!quarantined()) return pooled() ? Way::pooled : Way::inline_call;
  if (lost() >= kLostMost) return Way::quarantined;
  const auto now = nanoseconds(clock.steady());
  auto due = next_probe_.load();
  if (now < due) return Way::quarantined;
  const auto next = now + std::chrono::nanoseconds(kProbeEvery).count();
  return next_probe_.compare_exchange_strong(due, next) ? Way::pooled : Way::quarantined;
}

bool Health::answered(Hook hook) {
  auto& faults = faults_[static_cast<std::size_t>(hook)];
  if (faults.load(std::memory_order_relaxed) != 0) faults.store(0, std::memory_order_relaxed);
  return quarantined() && quarantined_.exchange(false);
}

bool Health::threw(Hook hook, const Clock& clock) {
  return faults_[static_cast<std::size_t>(hook)].fetch_add(1) + 1 >= kFaultLimit && quarantine(clock);
}

bool Health::overran(const Clock& clock, bool lost) {
  pooled_.store(true);
  return lost && lost_.fetch_add(1) + 1 >= kLostLimit && quarantine(clock);
}

bool Health::quarantine(const Clock& clock) {
  next_probe_.store(nanoseconds(clock.steady() + kProbeEvery));
  return !quarantined_.exchange(true);
}

// ---- Instance

namespace {

/// The daemon's log with the plugin's name in every line.
class NamedLog : public Log {
 public:
  NamedLog(Log& log, std::string name) : log_(log), name_(std::move(name)) {}
  bool enabled(Level level) const override { return log_.enabled(level); }
  using Log::write;
  void write(Level level, std::string_view event, std::span<const Field> fields) override {
    std::vector<Field> all;
    all.reserve(fields.size() + 1);
    all.emplace_back("plugin", name_);
    all.insert(all.end(), fields.begin(), fields.end());
    log_.write(level, event, std::span<const Field>(all));
  }

 private:
  Log& log_;
  const std::string name_;
};

constexpr double kSecondsBounds[] = {0.00001, 0.0001, 0.001, 0.01, 0.1, 1, 10};

}  // namespace

class Instance::LentHost : public Host {
 public:
  LentHost(HostParts& parts, Instance& instance) : parts_(parts), instance_(instance), sets_(parts.sets) {}
  const Clock& clock() const override { return parts_.clock; }
  Log& log() override { return *instance_.log_; }
  using Host::counter;
  Counter& counter(std::string_view name, std::span<const Label> labels, std::string_view help) override {
    return parts_.metrics.counter(name, with_instance(labels), help);
  }
  Gauge& gauge(std::string_view name, std::span<const Label> labels, std::string_view help) override {
    return parts_.metrics.gauge(name, with_instance(labels), help);
  }
  Histogram& histogram(std::string_view name, std::span<const Label> labels, std::span<const double> bounds,
                       std::string_view help) override {
    return parts_.metrics.histogram(name, with_instance(labels), bounds, help);
  }
  std::shared_ptr<void>& kept(std::string_view name) override { return parts_.kept.at(instance_.name_, name); }
  Store& store() override { return *instance_.store_; }
  Tables& tables() override { return parts_.engine.tables(); }
  Sets& sets() override { return sets_; }
  Commands& commands() override { return parts_.commands(); }

 private:
  /// Every metric of a plugin tells which instance it is of.
  std::vector<Label> with_instance(std::span<const Label> labels) const {
    std::vector<Label> all(labels.begin(), labels.end());
    all.push_back({"instance", instance_.name_});
    return all;
  }

  HostParts& parts_;
  Instance& instance_;
  PluginSets sets_;
};

Instance::Instance(const PluginInfo& info, const PluginEntry& entry, HostParts& parts)
    : name_(entry.name()),
      info_(info),
      options_(entry.options),
      store_(parts.engine.open_space(name_)),
      log_(std::make_unique<NamedLog>(parts.log, name_)),
      host_(std::make_unique<LentHost>(parts, *this)) {
  // A stage's bit is its hook's: only what can be counted is registered.
  for (std::size_t stage = 0; stage < verdicts_.size(); ++stage)
    for (std::size_t action = 0; action < verdicts_[stage].size() && has(static_cast<Hook>(stage)); ++action)
      verdicts_[stage][action] = &parts.metrics.counter("deferd_verdicts_total",
                                                        {{"plugin", name_},
                                                         {"stage", to_string(static_cast<Stage>(stage))},
                                                         {"action", to_string(static_cast<Action>(action))}},
                                                        "Answers of plugins, by stage.");
  for (std::size_t i = 0; i < kHooks; ++i) {
    if (!has(static_cast<Hook>(i))) continue;
    const Label labels[] = {{"plugin", name_}, {"stage", to_string(static_cast<Hook>(i))}};
    errors_[i] = &parts.metrics.counter("deferd_plugin_errors_total", labels, "Hooks that threw, were late or were not asked.");
    seconds_[i] =
        &parts.metrics.histogram("deferd_hook_seconds", labels, kSecondsBounds,
                                 "Time a hook took; one call in eight is timed, and all that need a thread of their own.");
  }
  plugin_ = info.make(entry.config, *host_);
}

Instance::~Instance() = default;

}  // namespace deferd
