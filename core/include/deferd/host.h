// What the daemon lends to a plugin. Host objects cross the plugin boundary by reference; their virtuals are append-only.
#pragma once
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "deferd/commands.h"
#include "deferd/result.h"
#include "deferd/session.h"
#include "deferd/sets.h"
#include "deferd/store.h"
#include "deferd/tables.h"
#include "deferd/time.h"
#include "deferd/verdict.h"

namespace deferd {

enum class Level : std::uint8_t { debug, info, notice, warning, error };

/// One `key=value` of a log line. Made where it is used; holds no memory of its own unless given a std::string.
struct Field {
  std::string_view key;
  std::string text;
  std::int64_t number = 0;
  bool is_number = false;

  Field(std::string_view name, std::string_view value) : key(name), text(value) {}
  Field(std::string_view name, const std::string& value) : key(name), text(value) {}
  Field(std::string_view name, const char* value) : key(name), text(value) {}
  Field(std::string_view name, const Address& value) : key(name), text(value.to_string()) {}
  Field(std::string_view name, std::int64_t value) : key(name), number(value), is_number(true) {}
  Field(std::string_view name, std::uint64_t value) : Field(name, static_cast<std::int64_t>(value)) {}
  Field(std::string_view name, int value) : Field(name, static_cast<std::int64_t>(value)) {}
};

/// Thread-safe; never blocks on the sink. Strangers' bytes are escaped here, callers pass them as they are.
class Log {
 public:
  virtual ~Log() = default;
  virtual bool enabled(Level level) const = 0;
  /// `event` is a constant such as "greylist.quota": `<part>.<what>`.
  virtual void write(Level level, std::string_view event, std::span<const Field> fields) = 0;

  void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
    if (enabled(level)) write(level, event, std::span<const Field>(fields.begin(), fields.size()));
  }
  void debug(std::string_view event, std::initializer_list<Field> fields) { write(Level::debug, event, fields); }
  void info(std::string_view event, std::initializer_list<Field> fields) { write(Level::info, event, fields); }
  void notice(std::string_view event, std::initializer_list<Field> fields) { write(Level::notice, event, fields); }
  void warning(std::string_view event, std::initializer_list<Field> fields) { write(Level::warning, event, fields); }
  void error(std::string_view event, std::initializer_list<Field> fields) { write(Level::error, event, fields); }
};

/// Thread-safe, never blocks.
class Counter {
 public:
  virtual ~Counter() = default;
  virtual void add(std::uint64_t n = 1) noexcept = 0;
};

/// Thread-safe, never blocks.
class Histogram {
 public:
  virtual ~Histogram() = default;
  virtual void observe(double value) noexcept = 0;
};

/// Thread-safe; for values that go both ways.
class Gauge {
 public:
  virtual ~Gauge() = default;
  virtual void set(std::int64_t value) noexcept = 0;
};

/// A label of a metric: from a small fixed set, never an address.
struct Label {
  std::string_view name;
  std::string_view value;
};

/// Lent to a plugin at make(), outlives it. Thread-safe, except that metrics are made only within make().
class Host {
 public:
  virtual ~Host() = default;
  virtual const Clock& clock() const = 0;
  virtual Log& log() = 0;

  /// `name` is the whole name, `deferd_<plugin>_<what>_total`; the same name and labels give the same counter, also after a
  /// reload.
  virtual Counter& counter(std::string_view name, std::span<const Label> labels, std::string_view help) = 0;
  virtual Gauge& gauge(std::string_view name, std::span<const Label> labels, std::string_view help) = 0;
  virtual Histogram& histogram(std::string_view name, std::span<const Label> labels, std::span<const double> bounds,
                               std::string_view help) = 0;

  /// A place for what shall survive a reload (loaded lists, token buckets), one a name; empty at first. Only within make().
  virtual std::shared_ptr<void>& kept(std::string_view name) = 0;

  /// The store outside a hook, for threads of a plugin's own. Within hooks use the Context's.
  virtual Store& store() = 0;
  virtual Tables& tables() = 0;

  /// What plugins show each other; since 1.1.
  virtual Sets& sets() = 0;

  /// Runs programs; since 1.2.
  virtual Commands& commands() = 0;

  Counter& counter(std::string_view name, std::initializer_list<Label> labels, std::string_view help) {
    return counter(name, std::span<const Label>(labels.begin(), labels.size()), help);
  }
};

/// What one hook call may see. Lent for the call; hooks never keep it.
///
/// Under `explain`, `replay` and shadow the same plugin gets a Context whose writes stay in memory: plugins act only through it.
class Context {
 public:
  virtual ~Context() = default;
  virtual const Session& session() const = 0;
  virtual Store& store() = 0;  ///< The plugin's own key space.
  virtual Tables& tables() = 0;
  virtual const Clock& clock() const = 0;
  virtual Log& log() = 0;
  virtual SteadyTime deadline() const = 0;  ///< Later than this the answer is no longer waited for.
  virtual bool dry() const = 0;             ///< Nothing of this call counts: debit no quota, count nothing.

  /// The plugin's own state for this transaction (from MAIL to the next MAIL or the end); empty at first. Hooks of one
  /// transaction never overlap.
  virtual std::shared_ptr<void>& slot() = 0;

  /// slot() as a T, made at first use.
  template <class T>
  T& state() {
    auto& place = slot();
    if (!place) place = std::make_shared<T>();
    return *static_cast<T*>(place.get());
  }
};

}  // namespace deferd
