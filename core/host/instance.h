// One configured plugin: the object, its place in the store, its health and its metrics.
#pragma once
#include <array>
#include <atomic>
#include <memory>
#include <string>

#include "deferd/plugin.h"
#include "host/hook_call.h"
#include "host/parts.h"
#include "host/plugin_entry.h"

namespace deferd {

/// Whether a plugin may be asked, and how. Thread-safe.
///
/// A plugin runs inline until a call overruns its budget once; from then on on the pool. Calls given up while they still run are
/// lost threads; too many of them, or too many exceptions in a row of one hook, and it is quarantined: it counts as its on_error
/// says, and is tried again once a minute until an answer comes back in time.
class Health {
 public:
  static constexpr int kLostLimit = 4;   ///< Calls still running that nobody waits for.
  static constexpr int kLostMost = 8;    ///< Beyond these not even a probe is risked.
  static constexpr int kFaultLimit = 5;  ///< Exceptions in a row, of one hook.
  static constexpr auto kProbeEvery = std::chrono::seconds(60);

  enum class Way : std::uint8_t { inline_call, pooled, quarantined };
  /// How to make the next call. In quarantine one caller a minute is told `pooled`: the probe.
  Way way(const Clock& clock);

  /// Each returns true when it changed whether the plugin is in quarantine (to be logged).
  bool answered(Hook hook);  ///< In time, without a fault of its own.
  bool threw(Hook hook, const Clock& clock);
  bool overran(const Clock& clock, bool lost);
  void came_back() { lost_.fetch_sub(1); }  ///< A lost call ended after all.

  bool pooled() const { return pooled_.load(std::memory_order_relaxed); }
  bool quarantined() const { return quarantined_.load(std::memory_order_relaxed); }
  int lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  bool quarantine(const Clock& clock);

  std::atomic<bool> pooled_{false};
  std::atomic<bool> quarantined_{false};
  std::atomic<int> lost_{0};
  std::array<std::atomic<int>, kHooks> faults_{};
  std::atomic<std::int64_t> next_probe_{0};  // Clock::steady, in nanoseconds
};

class Instance {
 public:
  /// Makes the plugin. Throws what its constructor throws.
  Instance(const PluginInfo& info, const PluginEntry& entry, HostParts& parts);
  ~Instance();

  const std::string& name() const { return name_; }
  const PluginInfo& info() const { return info_; }
  const PluginOptions& options() const { return options_; }
  bool has(Hook hook) const { return (info_.hooks & bit(hook)) != 0; }

  Plugin& plugin() { return *plugin_; }
  Store& store() { return *store_; }
  Log& log() { return *log_; }
  Health health;

  void count(Stage stage, Action action) { verdicts_[static_cast<std::size_t>(stage)][static_cast<std::size_t>(action)]->add(); }
  void count_error(Hook hook) { errors_[static_cast<std::size_t>(hook)]->add(); }
  void took(Hook hook, double seconds) { seconds_[static_cast<std::size_t>(hook)]->observe(seconds); }

 private:
  class LentHost;

  const std::string name_;
  const PluginInfo& info_;
  const PluginOptions options_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<LentHost> host_;
  std::unique_ptr<Plugin> plugin_;
  std::array<std::array<Counter*, 5>, 6> verdicts_{};
  std::array<Counter*, kHooks> errors_{};
  std::array<Histogram*, kHooks> seconds_{};
};

}  // namespace deferd
