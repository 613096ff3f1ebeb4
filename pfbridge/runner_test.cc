// The thread, with the helper itself: by its socket, and started.
#include "pfbridge/runner.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "deferd/testing/fake_host.h"

extern char** environ;

namespace deferd::pfbridge {
namespace {

using namespace std::chrono_literals;

class RunnerTest : public testing::Test {
 protected:
  RunnerTest() {
    std::string name = (std::filesystem::temp_directory_path() / "deferd-runner.XXXXXX").string();
    folder = ::mkdtemp(name.data());
  }
  ~RunnerTest() override {
    runner.reset();
    end_helper();
    std::filesystem::remove_all(folder);
  }

  std::string file(const char* name) const { return (folder / name).string(); }
  std::string table() const { return "white=file:" + file("white"); }

  void start_helper() {
    const std::vector<std::string> words{DEFERD_HELPER, "--table", table(), "--socket", file("sock")};
    std::vector<char*> argv;
    for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    ASSERT_EQ(::posix_spawn(&helper, argv[0], nullptr, nullptr, argv.data(), environ), 0);
  }
  void end_helper(int signal = SIGTERM) {
    if (helper < 0) return;
    ::kill(helper, signal);
    ::waitpid(helper, nullptr, 0);
    helper = -1;
  }

  Settings by_socket() const {
    Settings settings;
    settings.helpers = {{file("sock"), {}}};
    return settings;
  }
  void run(const Settings& settings) {
    auto former = runner;  // as at a reload: the new one is made first
    runner = Runner::of(settings, host);
    runner->lend(host, nullptr);
  }
  void put(const char* address) {
    TableRow row;
    row.prefix = *Prefix::parse(address);
    row.expires = host.clock().now() + 36h;
    or_throw(host.tables().put(kWhite, row));
  }
  /// Whether the table holds that within a time that is more than enough. While the helper is away the host's clock goes on, so
  /// that it is looked for again; slowly, as one that does not greet in time is left.
  bool holds(const std::string& text) {
    std::string found;
    for (int i = 0; i < 6'000 && found != text; ++i) {
      std::ostringstream all;
      all << std::ifstream(file("white")).rdbuf();
      found = all.str();
      if (found == text) break;
      if (i % 100 == 99 && runner->rows()[0].find("state")->text() == "away") host.clock().advance(1s);
      std::this_thread::sleep_for(5ms);  // for another process: there is nothing to wait on
    }
    EXPECT_EQ(found, text);
    return found == text;
  }

  FakeHost host{"pfbridge"};
  std::filesystem::path folder;
  std::shared_ptr<Runner> runner;
  pid_t helper = -1;
};

TEST_F(RunnerTest, SpeaksToAHelperByItsSocket) {
  start_helper();
  put("192.0.2.1");
  run(by_socket());
  ASSERT_TRUE(holds("192.0.2.1\n"));
  put("192.0.2.2");
  ASSERT_TRUE(holds("192.0.2.1\n192.0.2.2\n"));
}

TEST_F(RunnerTest, FindsAHelperThatCameAnew) {
  start_helper();
  run(by_socket());
  put("192.0.2.1");
  ASSERT_TRUE(holds("192.0.2.1\n"));
  end_helper(SIGKILL);
  put("192.0.2.2");
  start_helper();
  EXPECT_TRUE(holds("192.0.2.1\n192.0.2.2\n"));
}

TEST_F(RunnerTest, StartsAHelperAndAnotherWhenItEnds) {
  Settings settings;
  // Its process id is written down, so that the test can end it.
  settings.helpers = {
      {"", {"/bin/sh", "-c", "echo $$ >" + file("pid") + "; exec " DEFERD_HELPER " --table " + table() + " --stdio"}}};
  put("192.0.2.1");
  run(settings);
  ASSERT_TRUE(holds("192.0.2.1\n"));
  pid_t pid = -1;
  std::ifstream(file("pid")) >> pid;
  ASSERT_GT(pid, 1);
  ::kill(pid, SIGKILL);
  put("192.0.2.2");
  ASSERT_TRUE(holds("192.0.2.1\n192.0.2.2\n"));
  pid_t second = -1;
  std::ifstream(file("pid")) >> second;
  EXPECT_NE(second, pid);
  EXPECT_TRUE(host.log().contains("has ended"));
}

TEST_F(RunnerTest, SaysThatThereIsNoHelper) {
  run(by_socket());
  for (int i = 0; i < 4'000 && !host.log().contains("pfbridge.away"); ++i) std::this_thread::sleep_for(5ms);
  EXPECT_TRUE(host.log().contains("No such file or directory"));
  ASSERT_EQ(runner->rows().size(), 1u);
  EXPECT_EQ(runner->rows()[0].find("state")->text(), "away");
}

TEST_F(RunnerTest, GoesOnUndisturbedThroughAReloadThatWantsTheSame) {
  start_helper();
  run(by_socket());
  put("192.0.2.1");
  ASSERT_TRUE(holds("192.0.2.1\n"));
  const auto* before = runner.get();
  run(by_socket());
  EXPECT_EQ(runner.get(), before);
  runner->give_back(host);  // the former plugin
  runner->lend(host, nullptr);
  put("192.0.2.2");
  ASSERT_TRUE(holds("192.0.2.1\n192.0.2.2\n"));
  EXPECT_EQ(host.log().count("pfbridge.connected"), 1u);
}

TEST_F(RunnerTest, GivesWayToANewConfigurationAndComesBackIfThatIsNotTaken) {
  start_helper();
  run(by_socket());
  put("192.0.2.1");
  ASSERT_TRUE(holds("192.0.2.1\n"));
  auto former = runner;
  auto other = by_socket();
  other.rules.keep_foreign = false;
  run(other);
  EXPECT_NE(runner.get(), former.get());
  put("192.0.2.2");
  ASSERT_TRUE(holds("192.0.2.1\n192.0.2.2\n"));
  runner = former;  // another plugin refused the new configuration
  former.reset();
  put("192.0.2.3");
  EXPECT_TRUE(holds("192.0.2.1\n192.0.2.2\n192.0.2.3\n"));
}

TEST_F(RunnerTest, IsFoundAgainAfterAConfigurationThatWasNotTaken) {
  run(by_socket());
  const auto first = runner;
  auto other = by_socket();
  other.rules.keep_foreign = false;
  run(other);
  runner = first;  // the other one is refused
  EXPECT_EQ(Runner::of(by_socket(), host), first);
}

TEST_F(RunnerTest, GivesWayAlsoAfterAConfigurationThatWasNotTaken) {
  start_helper();
  run(by_socket());
  put("192.0.2.1");
  ASSERT_TRUE(holds("192.0.2.1\n"));
  const auto first = runner;
  auto other = by_socket();
  other.rules.keep_foreign = false;
  run(other);
  runner = first;  // the other one is refused
  other.rules.guard_percent = 50;
  run(other);
  put("192.0.2.2");
  ASSERT_TRUE(holds("192.0.2.1\n192.0.2.2\n"));
  EXPECT_EQ(runner->rows()[0].find("error")->text(), "");
  EXPECT_EQ(first->rows()[0].find("state")->text(), "away") << "they would take the helper from each other";
}

TEST_F(RunnerTest, HandsOnWhoIsLetPass) {
  start_helper();
  run(by_socket());
  runner->lease(*Address::parse("192.0.2.1"), 10min);
  ASSERT_TRUE(holds("192.0.2.1\n"));
  const auto former = runner;
  auto other = by_socket();
  other.rules.keep_foreign = false;
  run(other);
  former->lease(*Address::parse("192.0.2.2"), 10min);  // by a session that began before
  put("192.0.2.3");
  EXPECT_TRUE(holds("192.0.2.1\n192.0.2.2\n192.0.2.3\n"));
  EXPECT_EQ(host.count("deferd_pfbridge_leases_total", {{"result", "given"}}), 2u) << "each once";
  EXPECT_EQ(host.log().count("pfbridge.lease"), 2u);
}

TEST_F(RunnerTest, EndsAHelperThatAnotherReplacesWithoutLettingEverybodyPass) {
  const auto with = [&](const std::string& name) {
    Settings settings;
    settings.helpers = {{"",
                         {"/bin/sh", "-c",
                          "echo $$ >" + file((name + ".pid").c_str()) + "; exec " DEFERD_HELPER " --table " + table() +
                              " --bypass file:" + file((name + ".bypass").c_str()) + " --stdio"}}};
    return settings;
  };
  put("192.0.2.1");
  run(with("first"));
  ASSERT_TRUE(holds("192.0.2.1\n"));
  pid_t pid = -1;
  std::ifstream(file("first.pid")) >> pid;
  ASSERT_GT(pid, 1);
  run(with("second"));
  put("192.0.2.2");
  ASSERT_TRUE(holds("192.0.2.1\n192.0.2.2\n"));
  const auto runs = [&] {
    std::ostringstream stat;
    stat << std::ifstream("/proc/" + std::to_string(pid) + "/stat").rdbuf();
    return !stat.str().empty() && stat.str().find(") Z") == std::string::npos;
  };
  for (int i = 0; i < 4'000 && runs(); ++i) std::this_thread::sleep_for(5ms);
  EXPECT_FALSE(runs());
  std::ostringstream everybody;
  everybody << std::ifstream(file("first.bypass")).rdbuf();
  EXPECT_EQ(everybody.str(), "");
  std::ifstream(file("second.pid")) >> pid;
  runner.reset();
  ASSERT_GT(pid, 1);
  ::kill(pid, SIGKILL);  // it would stay to let everybody pass
}

TEST_F(RunnerTest, ShowsNothingInMetricsOnceItIsGone) {
  const auto wanted = [&] { return host.gauge_value("deferd_pfbridge_wanted", {{"table", "white"}}); };
  start_helper();
  put("192.0.2.1");
  run(by_socket());
  ASSERT_TRUE(holds("192.0.2.1\n"));
  host.clock().advance(2s);  // they are shown once a second
  for (int i = 0; i < 4'000 && wanted() != 1; ++i) std::this_thread::sleep_for(5ms);
  EXPECT_EQ(wanted(), 1);
  runner.reset();
  EXPECT_EQ(wanted(), 0);
}

TEST_F(RunnerTest, LeasesFromAnyThreadWithoutWaiting) {
  start_helper();
  run(by_socket());
  std::vector<std::thread> threads;
  for (int i = 1; i <= 4; ++i)
    threads.emplace_back([&, i] { runner->lease(Address::v4(0xC0000200 + static_cast<unsigned>(i)), 10min); });
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(holds("192.0.2.1\n192.0.2.2\n192.0.2.3\n192.0.2.4\n"));
}

}  // namespace
}  // namespace deferd::pfbridge
