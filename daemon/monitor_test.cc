// The monitor with workers that only play. Each in a process of its own, because it forks, and waits for all children there are.
#include "daemon/monitor.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sysexits.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "base/clock.h"
#include "daemon/command_runner.h"
#include "daemon/runner_commands.h"
#include "ops/test_support.h"

namespace deferd {
namespace {

using namespace std::chrono_literals;

/// Every look at it takes a second, so that what is to be waited for has come.
class HurriedClock : public Clock {
 public:
  Time now() const override { return SystemClock().now(); }
  SteadyTime steady() const override { return now_ += 1s; }

 private:
  mutable SteadyTime now_{};
};

using Work = std::function<int(int round, MonitorLink& link, pid_t monitor)>;

class MonitorTest : public ::testing::Test {
 protected:
  MonitorTest() { write(""); }
  void write(const std::string& settings) {
    std::ofstream(dir / "deferd.yaml") << "log: {to: " << (dir / "log") << "}\n" << settings;
    chmod((dir / "deferd.yaml").c_str(), 0644);
  }
  std::string script(const std::string& text) {
    std::ofstream(dir / "helper") << "#!/bin/sh\n" << text << "\n";
    chmod((dir / "helper").c_str(), 0755);
    return dir / "helper";
  }
  std::string log() const { return test::contents(dir / "log"); }
  /// In a worker: for what another process does.
  bool written(const char* file, const std::string& part) const {
    for (const auto end = std::chrono::steady_clock::now() + 30s; test::contents(dir / file).find(part) == std::string::npos;) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(5ms);
    }
    return true;
  }
  bool logged(const std::string& part) const { return written("log", part); }
  static int until_terminated() {
    SignalWaiter signals;
    return signals.wait_for(30s) == MainEvent::terminate ? 0 : 1;
  }

  /// `work` is told how many workers there were before.
  test::Outcome run(const Work& work, const Clock& clock) {
    return test::in_child([&] {
      const auto counted = [&](const LoadedConfig& config, MonitorLink& link, std::vector<smtp::Bound>, pid_t monitor) {
        given_name = config.config.smtp.name;
        const auto before = test::contents(dir / "rounds").size();
        std::ofstream(dir / "rounds", std::ios::app) << "x";
        return work(static_cast<int>(before), link, monitor);
      };
      Problems problems;
      Notifier notifier;
      Monitor monitor(dir / "deferd.yaml", load_config(dir / "deferd.yaml", problems).value(),
                      {counted, [] { dprintf(STDERR_FILENO, "ready"); }, notifier, clock, std::nullopt, runner});
      return monitor.run();
    });
  }
  test::Outcome run(const Work& work) { return run(work, HurriedClock()); }

  /// Has the worker run a program that says hello by what it was lent; waits for a runner.
  static bool says_hello(Commands& commands) {
    Command command;
    command.words = {"echo", "hello"};
    for (const auto end = std::chrono::steady_clock::now() + 30s; std::chrono::steady_clock::now() < end;) {
      if (const auto running = commands.start(command)) {
        char bytes[10];
        pollfd waiting{(*running)->descriptor(), POLLIN, 0};
        if (::poll(&waiting, 1, 30'000) == 1 && ::read(waiting.fd, bytes, sizeof bytes) == 6) return true;
      }
      std::this_thread::sleep_for(5ms);
    }
    return false;
  }
  static RunnerCommands commands_of(MonitorLink& link) {
    return RunnerCommands([&link] { return link.next_channel(); });
  }

  test::TempDir dir;
  RunnerProcess::Wiring runner;
  std::string given_name;  // in a worker: its smtp.name
};

TEST_F(MonitorTest, EndsWithAWorkerThatCannotStart) {
  const auto outcome = run([](int, MonitorLink&, pid_t) { return EX_CONFIG; });
  EXPECT_EQ(outcome.code, EX_CONFIG);
  EXPECT_EQ(outcome.output, "");
}

TEST_F(MonitorTest, EndsWithAFailureIfTheFirstWorkerIsKilled) {
  const auto outcome = run([](int, MonitorLink&, pid_t) { return kill(getpid(), SIGKILL); });
  EXPECT_EQ(outcome.code, EX_SOFTWARE);
}

TEST_F(MonitorTest, StartsAWorkerThatDiesAgain) {
  const auto outcome = run([](int round, MonitorLink& link, pid_t monitor) {
    link.ready();
    if (round == 0) kill(getpid(), SIGKILL);
    if (round == 1) return 3;
    kill(monitor, SIGTERM);
    return until_terminated();
  });
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.output, "ready") << "once, by the first";
  EXPECT_NE(log().find("error monitor.worker_ended how=\"killed by signal 9\" again_in_s=1\n"), std::string::npos) << log();
  EXPECT_NE(log().find("error monitor.worker_ended how=\"exit code 3\" again_in_s=2\n"), std::string::npos) << log();
}

TEST_F(MonitorTest, StartsAWorkerAgainThoughItNeverGetsReadyAnyMore) {
  const auto outcome = run([](int round, MonitorLink& link, pid_t monitor) {
    if (round == 0) link.ready();
    if (round < 3) return EX_CONFIG;
    kill(monitor, SIGTERM);
    return until_terminated();
  });
  EXPECT_EQ(outcome.code, 0);
}

TEST_F(MonitorTest, GoesBackToTheFormerConfigurationIfNoWorkerServesByTheNewOne) {
  write("smtp: {name: former.example.org}\n");
  const auto outcome = run([this](int round, MonitorLink& link, pid_t monitor) {
    const bool former = given_name == "former.example.org";
    if (round == 0) {
      link.ready();
      write("smtp: {name: new.example.org}\n");
      return 3;
    }
    if (round == 1) return former ? 1 : EX_UNAVAILABLE;
    kill(monitor, SIGTERM);
    return until_terminated() + (round == 2 && former ? 0 : 4);
  });
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(log().find("monitor.config_refused"), std::string::npos) << log();
}

TEST_F(MonitorTest, LogsWhereTheWorkerInForceDoes) {
  const auto outcome = run([this](int round, MonitorLink& link, pid_t monitor) {
    link.ready();
    if (round == 0) {
      std::ofstream(dir / "deferd.yaml") << "log: {to: " << (dir / "other") << "}\n";
      return 3;
    }
    if (round == 1) return 4;
    kill(monitor, SIGTERM);
    return until_terminated();
  });
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(log().find("how=\"exit code 3\""), std::string::npos) << log();
  EXPECT_NE(test::contents(dir / "other").find("how=\"exit code 4\""), std::string::npos) << log();
}

TEST_F(MonitorTest, EndsWithTheCodeOfTheLastWorker) {
  const auto outcome = run([](int, MonitorLink& link, pid_t monitor) {
    link.ready();
    kill(monitor, SIGTERM);
    return until_terminated() + 4;
  });
  EXPECT_EQ(outcome.code, 4);
}

TEST_F(MonitorTest, PassesSignalsOn) {
  const auto outcome = run([](int, MonitorLink& link, pid_t monitor) {
    SignalWaiter signals;
    link.ready();
    kill(monitor, SIGHUP);
    if (signals.wait_for(30s) != MainEvent::reload) return 1;
    kill(monitor, SIGINT);
    if (signals.wait_for(30s) != MainEvent::terminate) return 2;
    kill(monitor, SIGTERM);
    return signals.wait_for(30s) == MainEvent::terminate ? 0 : 3;
  });
  EXPECT_EQ(outcome.code, 0);
}

TEST_F(MonitorTest, KillsAWorkerThatDoesNotEndThoughItIsHurried) {
  const auto outcome = run([](int, MonitorLink& link, pid_t monitor) {
    SignalWaiter signals;
    link.ready();
    for (int i = 0; i < 2; ++i) {
      kill(monitor, SIGTERM);
      if (signals.wait_for(30s) != MainEvent::terminate) return 1;
    }
    while (true) {  // each notice is a look at the clock
      link.alive();
      std::this_thread::sleep_for(1ms);
    }
  });
  EXPECT_EQ(outcome.code, EX_SOFTWARE);
  EXPECT_NE(log().find("killed by signal 9"), std::string::npos) << log();
}

int run_commands(Descriptor channel) { return CommandRunner(std::move(channel)).run(); }

TEST_F(MonitorTest, LendsEachWorkerAProcessThatRunsCommands) {
  runner = {"somebody", run_commands};
  const auto outcome = run([](int round, MonitorLink& link, pid_t monitor) {
    auto commands = commands_of(link);
    link.ready();
    if (!says_hello(commands)) return 1;
    if (round == 0) kill(getpid(), SIGKILL);
    kill(monitor, SIGTERM);
    return until_terminated();
  });
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(log().find("monitor.runner_started user=somebody"), std::string::npos) << log();
  EXPECT_EQ(log().find("monitor.runner_ended"), std::string::npos) << "they end with their worker, as they should: " << log();
}

TEST_F(MonitorTest, StartsAProcessThatRunsCommandsAgainWhenItDies) {
  runner = {"somebody", [this](Descriptor channel) {
              if (!std::ifstream(dir / "died")) {
                std::ofstream(dir / "died") << "x";
                return 3;
              }
              return run_commands(std::move(channel));
            }};
  const auto outcome = run([this](int, MonitorLink& link, pid_t monitor) {
    auto commands = commands_of(link);
    link.ready();
    if (!logged("error monitor.runner_ended how=\"exit code 3\" again_in_s=1")) return 1;
    if (!says_hello(commands)) return 2;
    kill(monitor, SIGTERM);
    return until_terminated();
  });
  EXPECT_EQ(outcome.code, 0);
}

TEST_F(MonitorTest, StartsHelpersOnceTheWorkerServesAndAgainWhenTheyDie) {
  write("helpers: [[" + script("echo hello; exit 3") + ", word]]\n");
  const auto outcome = run([this](int, MonitorLink& link, pid_t monitor) {
    if (log().find("helper") != std::string::npos) return 1;
    link.ready();
    if (!logged("again_in_s=2")) return 2;
    kill(monitor, SIGTERM);
    return until_terminated();
  });
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(log().find("monitor.helper_said helper=helper[0] line=hello left_out=0\n"), std::string::npos) << log();
  EXPECT_NE(log().find("monitor.helper_ended helper=helper[0] how=\"exit code 3\" again_in_s=1\n"), std::string::npos) << log();
}

TEST_F(MonitorTest, StartsNoHelpersIfItIsToEndBeforeTheWorkerServes) {
  write("helpers: [[" + script("exec sleep 1000") + "]]\n");
  const auto outcome = run([](int, MonitorLink& link, pid_t monitor) {
    kill(monitor, SIGTERM);
    const int code = until_terminated();
    link.ready();
    return code;
  });
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(log().find("monitor.helper_started"), std::string::npos) << log();
}

TEST_F(MonitorTest, EndsWhileItWaitsToStartTheWorkerAgain) {
  write("helpers: [[" +
        script("until grep -q worker_ended '" + (dir / "log") + "'; do sleep 0.01; done; kill $PPID; exec sleep 1000") + "]]\n");
  const auto outcome = run(
      [](int round, MonitorLink& link, pid_t) {
        link.ready();
        return round == 0 ? 3 : until_terminated();  // the second one comes if the helper takes more than a second
      },
      SystemClock());
  EXPECT_EQ(outcome.code, 0);
}

TEST_F(MonitorTest, StartsHelpersThatDieWhileTheWorkerTakesItsTimeToEnd) {
  write("helpers: [[" + script("echo begun; exit 3") + "]]\n");
  const auto outcome = run([this](int, MonitorLink& link, pid_t monitor) {
    link.ready();
    if (!logged("monitor.helper_started")) return 2;
    kill(monitor, SIGTERM);
    until_terminated();
    return logged("again_in_s=8") ? 0 : 1;
  });
  EXPECT_EQ(outcome.code, 0);
}

TEST_F(MonitorTest, EndsHelpersAfterTheWorker) {
  const std::string turns = "'" + (dir / "turns") + "'";  // the log takes only so many lines of a helper
  write("helpers: [[" +
        script("trap 'echo ended; exit' TERM; n=0; while :; do n=$((n+1)); echo turn $n. >>" + turns + "; sleep 0.05; done") +
        "]]\n");
  const auto outcome = run(
      [this](int, MonitorLink& link, pid_t monitor) {
        link.ready();
        if (!written("turns", "turn 1.")) return 1;
        kill(monitor, SIGTERM);
        until_terminated();
        const auto so_far = test::contents(dir / "turns");
        const auto turn = std::count(so_far.begin(), so_far.end(), '.');
        return written("turns", "turn " + std::to_string(turn + 10) + ".") ? 0 : 2;  // it lives on meanwhile
      },
      SystemClock());
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(log().find("line=ended"), std::string::npos) << log();
}

TEST_F(MonitorTest, KillsHelpersThatDoNotEnd) {
  write("helpers: [[" + script("trap '' TERM; echo begun; while :; do echo on; sleep 0.01; done") + "]]\n");
  const auto outcome = run([this](int, MonitorLink& link, pid_t monitor) {
    link.ready();
    if (!logged("line=begun")) return 1;
    kill(monitor, SIGTERM);
    return until_terminated();
  });
  EXPECT_EQ(outcome.code, 0);
}

TEST_F(MonitorTest, RefusesHelpersThatAreNotThere) {
  write("helpers: [[no-such-helper], [" + script("") + "], [/no/such/helper]]\n");
  const auto outcome = run([](int, MonitorLink&, pid_t) { return 0; });
  EXPECT_EQ(outcome.code, 99);
  EXPECT_NE(outcome.output.find("no-such-helper"), std::string::npos) << outcome.output;
}

TEST_F(MonitorTest, RunsNoHelpersOfAConfigurationThatOthersCanChange) {
  write("helpers: [[" + script("") + "]]\n");
  chmod((dir / "deferd.yaml").c_str(), 0666);
  const auto outcome = run([](int, MonitorLink&, pid_t) { return 0; });
  EXPECT_EQ(outcome.code, 99);
  EXPECT_NE(outcome.output.find("can be written to by others"), std::string::npos) << outcome.output;
}

TEST_F(MonitorTest, LendsTheFilesOfTheCertificate) {
  std::ofstream(dir / "key") << "secret";
  chmod((dir / "key").c_str(), 0600);
  write("smtp: {tls: {certificate: /nonexistent, key: " + (dir / "key") + "}}\n");
  const auto outcome = run([](int, MonitorLink& link, pid_t monitor) {
    const auto key = link.open(smtp::TlsFile::key);
    char bytes[100];
    if (!key || ::read(key.get(), bytes, sizeof bytes) != 6) return 1;
    if (link.open(smtp::TlsFile::certificate) || errno != ENOENT) return 2;
    link.ready();
    kill(monitor, SIGTERM);
    return until_terminated();
  });
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(log().find("monitor.file_refused what=\"/nonexistent: No such file"), std::string::npos) << log();
}

TEST_F(MonitorTest, LendsTheFilesOfTheConfigurationThatTheWorkerWasGiven) {
  std::ofstream(dir / "key") << "secret";
  chmod((dir / "key").c_str(), 0600);
  write("smtp: {tls: {certificate: /nonexistent, key: " + (dir / "key") + "}}\n");
  const auto outcome = run([this](int round, MonitorLink& link, pid_t monitor) {
    const bool lent = static_cast<bool>(link.open(smtp::TlsFile::key));
    link.ready();
    if (round == 0) {
      write("plugins: [\n");
      return 3;
    }
    const bool lent_at_reload = static_cast<bool>(link.open(smtp::TlsFile::key));
    kill(monitor, SIGTERM);
    return until_terminated() + (lent ? 0 : 2) + (lent_at_reload ? 4 : 0);
  });
  EXPECT_EQ(outcome.code, 0);
}

}  // namespace
}  // namespace deferd
