// What a plugin is lent, in memory, with a hand on everything: for unit tests of plugins, here and elsewhere.
//
//   FakeHost host("greylist");
//   Greylist plugin(Config{}, host);
//   FakeContext context(host);
//   context.session().client = *Address::parse("192.0.2.7");
//   EXPECT_EQ(plugin.on_rcpt(context, "b@example.net").action, Action::defer);
//   host.clock().advance(5min);
//   EXPECT_EQ(host.count("deferd_greylist_answers_total", {{"answer", "defer"}}), 1u);
#pragma once
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/host.h"
#include "deferd/plugin.h"
#include "fake_clock.h"
#include "fake_log.h"

namespace deferd {

class Engine;

/// Thread-safe like the daemon's own. Store and tables are real (the memory engine) and expire by clock(). Programs are really
/// run, as whoever the test is.
class FakeHost : public Host {
 public:
  explicit FakeHost(std::string plugin = "test");
  ~FakeHost() override;

  const FakeClock& clock() const override;
  FakeClock& clock();
  FakeLog& log() override;

  using Host::counter;
  Counter& counter(std::string_view name, std::span<const Label> labels, std::string_view help) override;
  Gauge& gauge(std::string_view name, std::span<const Label> labels, std::string_view help) override;
  Histogram& histogram(std::string_view name, std::span<const Label> labels, std::span<const double> bounds,
                       std::string_view help) override;
  std::shared_ptr<void>& kept(std::string_view name) override;
  Store& store() override;
  Tables& tables() override;
  Sets& sets() override;
  Commands& commands() override;

  /// What was counted under `name`, summed over the counters that carry all of `labels`. Throws std::out_of_range if there is no
  /// such counter: a misspelt name shall not read as 0.
  std::uint64_t count(std::string_view name, std::initializer_list<Label> labels = {}) const;
  std::int64_t gauge_value(std::string_view name, std::initializer_list<Label> labels = {}) const;      ///< Likewise.
  std::vector<double> observed(std::string_view name, std::initializer_list<Label> labels = {}) const;  ///< Likewise.

  void break_store(Error error);  ///< From now on store and tables answer with this error.
  void mend_store();
  void break_commands(Error error);  ///< From now on no program is started, and this is why.
  void mend_commands();

  /// For tests of the daemon itself: sweep(), decisions().
  Engine& engine();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One session with one transaction, written by the test, read by the plugin.
class FakeContext : public Context {
 public:
  /// Client 192.0.2.7 "mail.example.org", helo "mail.example.org", sender a@example.org, front end "milter".
  explicit FakeContext(FakeHost& host);

  Session& session() { return session_; }
  const Session& session() const override { return session_; }
  Store& store() override { return host_.store(); }
  Tables& tables() override { return host_.tables(); }
  const Clock& clock() const override { return host_.clock(); }
  Log& log() override { return host_.log(); }
  SteadyTime deadline() const override { return deadline_; }
  bool dry() const override { return dry_; }
  std::shared_ptr<void>& slot() override { return slot_; }

  void set_deadline(SteadyTime deadline) { deadline_ = deadline; }  ///< A second from the making of the context, unless set.
  void set_dry(bool dry) { dry_ = dry; }
  /// The next MAIL of the same connection: the slot and the envelope are empty again.
  void next_transaction(std::string mail_from);

 private:
  FakeHost& host_;
  Session session_;
  SteadyTime deadline_;
  bool dry_ = false;
  std::shared_ptr<void> slot_;
};

/// Collects what a command answers.
class FakeRows : public Rows {
 public:
  bool row(const Value& row) override {
    rows.push_back(row);
    return true;
  }
  std::vector<Value> rows;
};

}  // namespace deferd
