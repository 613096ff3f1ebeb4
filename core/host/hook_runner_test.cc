// What plugins may do wrong, and that nothing worse comes of it.
#include "host/hook_runner.h"

#include <condition_variable>
#include <mutex>

#include "host/host_fixture.h"

namespace deferd {
namespace {

using namespace std::chrono_literals;

/// A place where hooks hang until the test lets them go.
class Gate {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    opened_.wait(lock, [this] { return open_; });
  }
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    opened_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
};

class FaultTest : public HostTest {
 protected:
  static PluginOptions options(OnError on_error = OnError::pass) {
    PluginOptions options;
    options.as = "broken";
    options.budget = 100ms;  // real time: long enough for a busy machine to start a thread in
    options.on_error = on_error;
    return options;
  }
  std::uint64_t errors() const { return metrics_.value("deferd_plugin_errors_total"); }
};

TEST_F(FaultTest, AnExceptionCountsAsPassIsLoggedAndCounted) {
  Script script;
  script.rcpt = [](Context&, const std::string&) -> Verdict { throw std::runtime_error("boom"); };
  use_with({{options(), script}});
  const auto decision = rcpt();
  EXPECT_TRUE(decision.lets_through());
  ASSERT_EQ(decision.trace.size(), 1u);
  EXPECT_EQ(decision.trace[0].fault, "exception: boom");
  EXPECT_TRUE(log_.contains("warning plugin.failed"));
  EXPECT_EQ(errors(), 1u);
}

TEST_F(FaultTest, OnErrorDeferTurnsAFaultIntoADeferral) {
  Script script;
  script.rcpt = [](Context&, const std::string&) -> Verdict { throw 42; };
  use_with({{options(OnError::defer), script}});
  const auto decision = rcpt();
  EXPECT_EQ(decision.verdict.action, Action::defer);
  EXPECT_EQ(decision.plugin, "broken");
}

TEST_F(FaultTest, PluginsAfterABrokenOneAreStillAsked) {
  Script broken, fine;
  broken.rcpt = [](Context&, const std::string&) -> Verdict { throw std::runtime_error("boom"); };
  fine.rcpt = [](Context&, const std::string&) { return deferred(); };
  PluginOptions other;
  other.as = "fine";
  use_with({{options(), broken}, {other, fine}});
  EXPECT_EQ(rcpt().plugin, "fine");
}

TEST_F(FaultTest, ManyExceptionsInARowAreQuarantinedAndProbedBack) {
  bool broken = true;
  int asked = 0;
  Script script;
  script.rcpt = [&](Context&, const std::string&) -> Verdict {
    ++asked;
    if (broken) throw std::runtime_error("boom");
    return deferred("well again");
  };
  auto patient = options();
  patient.budget = 5s;
  use_with({{patient, script}});
  for (int i = 0; i < Health::kFaultLimit; ++i) rcpt();
  EXPECT_TRUE(log_.contains("error plugin.quarantined"));
  EXPECT_EQ(rcpt().trace[0].fault, "quarantined");
  EXPECT_EQ(asked, Health::kFaultLimit);

  clock_.advance(60s);
  rcpt();
  EXPECT_EQ(asked, Health::kFaultLimit + 1) << "one probe";
  rcpt();
  EXPECT_EQ(asked, Health::kFaultLimit + 1) << "and no more until the next minute";

  broken = false;
  clock_.advance(60s);
  EXPECT_EQ(rcpt().verdict.reason, "well again");
  EXPECT_TRUE(log_.contains("notice plugin.returned"));
  EXPECT_EQ(rcpt().verdict.reason, "well again");
}

TEST_F(FaultTest, AHookThatAlwaysThrowsIsNotExcusedByAnotherThatDoesNot) {
  Script script;
  script.connect = [](Context&) { return Verdict::pass(); };
  script.rcpt = [](Context&, const std::string&) -> Verdict { throw std::runtime_error("boom"); };
  use_with({{options(), script}});
  for (int i = 0; i < Health::kFaultLimit; ++i) rcpt();
  EXPECT_TRUE(log_.contains("error plugin.quarantined"));
}

TEST_F(FaultTest, ErrorsOfTheStoreAreNoFaultOfThePlugin) {
  Script script;
  script.rcpt = [](Context&, const std::string&) -> Verdict { throw ErrorException({Errc::unavailable, "store is away"}); };
  use_with({{options(), script}});
  for (int i = 0; i < 3 * Health::kFaultLimit; ++i) EXPECT_EQ(rcpt().trace[0].fault, "error: store is away");
}

TEST_F(FaultTest, AnOverrunInlineMovesThePluginToThePoolWhereItIsWaitedForItsBudgetOnly) {
  const auto gate = std::make_shared<Gate>();  // a late call may still be leaving it
  std::atomic<bool> hang{false};
  Script script;
  script.rcpt = [&, gate](Context&, const std::string&) {
    if (hang)
      gate->wait();
    else
      std::this_thread::sleep_for(150ms);  // real time on purpose: budgets are
    return deferred("late");
  };
  use_with({{options(), script}});
  EXPECT_EQ(rcpt().verdict.reason, "late") << "inline, the answer still counts";
  EXPECT_TRUE(log_.contains("warning plugin.slow"));
  hang = true;
  const auto decision = rcpt();
  EXPECT_TRUE(decision.lets_through());
  EXPECT_EQ(decision.trace[0].fault, "timeout");
  gate->open();
  while (pipeline_.current()->instances()[0]->health.lost() > 0) std::this_thread::yield();
}

TEST_F(FaultTest, AHangInlineIsSeenWhileItHangsSoThatTheNextCallerIsReleased) {
  const auto gate = std::make_shared<Gate>();  // a late call may still be leaving it
  Script script;
  script.rcpt = [&, gate](Context&, const std::string&) {
    gate->wait();
    return Verdict::pass();
  };
  use_with({{options(), script}});
  std::thread stuck([&] { rcpt(); });
  while (!log_.contains("plugin.slow")) std::this_thread::yield();
  EXPECT_EQ(rcpt().trace[0].fault, "timeout");
  gate->open();
  stuck.join();
}

TEST_F(FaultTest, HangingCallsLeadToQuarantineAndThePluginReturnsByItself) {
  const auto gate = std::make_shared<Gate>();  // a late call may still be leaving it
  std::atomic<bool> hang{true};
  Script script;
  script.rcpt = [&, gate](Context&, const std::string&) {
    if (hang) gate->wait();
    return deferred("well again");
  };
  use_with({{options(), script}});
  pipeline_.current()->instances()[0]->health.overran(clock_, false);  // on the pool from the start
  for (int i = 0; i < Health::kLostLimit; ++i) EXPECT_EQ(rcpt().trace[0].fault, "timeout");
  EXPECT_EQ(rcpt().trace[0].fault, "quarantined");
  hang = false;
  gate->open();
  while (pipeline_.current()->instances()[0]->health.lost() > 0) std::this_thread::yield();
  clock_.advance(60s);
  // The probe has a real budget; a busy machine may need another.
  for (int i = 0; i < 20 && rcpt().verdict.reason != "well again"; ++i) clock_.advance(60s);
  EXPECT_EQ(rcpt().verdict.reason, "well again");
}

TEST_F(FaultTest, ALateCallKeepsWhatItReads) {
  const auto gate = std::make_shared<Gate>();  // a late call may still be leaving it
  std::atomic<int> read{0};
  Script script;
  script.rcpt = [&, gate](Context& c, const std::string& to) {
    c.state<std::string>() = "mine";
    gate->wait();
    read = static_cast<int>(c.session().helo.size() + to.size() + c.state<std::string>().size());
    return Verdict::pass();
  };
  use_with({{options(), script}});
  auto instance = pipeline_.current()->instances()[0];
  instance->health.overran(clock_, false);
  {
    auto dialogue = open();
    dialogue->mail("a@example.net");
    EXPECT_EQ(dialogue->rcpt("b@example.org").trace[0].fault, "timeout");
  }
  gate->open();
  while (instance->health.lost() > 0) std::this_thread::yield();
  EXPECT_EQ(read, 14 + 13 + 4);
}

}  // namespace
}  // namespace deferd
