#include "daemon/helper.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>

#include "ops/test_support.h"

namespace deferd {
namespace {

class HelperTest : public ::testing::Test {
 protected:
  std::string script(const char* name, const std::string& text) {
    const auto path = dir / name;
    std::ofstream(path) << "#!/bin/sh\n" << text << "\n";
    chmod(path.c_str(), 0755);
    return path;
  }
  /// What a run says until it ends; `status` of wait(2).
  std::vector<std::string> said(HelperRun& run) {
    std::vector<std::string> lines;
    while (run.output() >= 0) {
      pollfd waiting{run.output(), POLLIN, 0};
      if (::poll(&waiting, 1, 30'000) != 1) break;
      run.read([&](std::string_view line) { lines.emplace_back(line); });
    }
    EXPECT_EQ(waitpid(run.pid(), &status, 0), run.pid());
    return lines;
  }
  std::string found(const std::string& name) {
    const auto result = find_helper(name, {dir / "none", dir.path().string()});
    return result ? *result : result.error().what;
  }

  test::TempDir dir;
  int status = -1;
};

using Lines = std::vector<std::string>;

TEST_F(HelperTest, IsGivenItsWords) {
  const auto program = script("helper", R"(printf '%s\n' "$0" "$@")");
  HelperRun run(program, {"helper", "--table", "white=nft:inet/deferd/white4", "two words", ""});
  EXPECT_EQ(said(run), (Lines{program, "--table", "white=nft:inet/deferd/white4", "two words", ""}));
  EXPECT_EQ(status, 0);
}

TEST_F(HelperTest, HasNothingOfOurs) {
  setenv("SECRET", "x", 1);
  const int open_here = ::dup(0);
  HelperRun run(script("helper", "env | grep -v -e PWD -e _= -e SHLVL | sort; ls /proc/self/fd | wc -l; pwd"), {"helper"});
  const auto lines = said(run);
  ::close(open_here);
  unsetenv("SECRET");
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0], "LC_ALL=C");
  EXPECT_EQ(lines[1].substr(0, 11), "PATH=/sbin:");
  EXPECT_EQ(lines[2], "4") << "0 to 2, and the folder that ls reads";
  EXPECT_EQ(lines[3], "/");
}

TEST_F(HelperTest, HasItsErrorsHeardAsWell) {
  HelperRun run(script("helper", "echo one; echo two >&2; printf unfinished; exit 3"), {"helper"});
  EXPECT_EQ(said(run), (Lines{"one", "two", "unfinished"}));
  EXPECT_EQ(WEXITSTATUS(status), 3);
}

TEST_F(HelperTest, HasLinesThatAreTooLongCutOff) {
  HelperRun run(script("helper", "printf '%2000s\\n' x; echo y"), {"helper"});
  EXPECT_EQ(said(run), (Lines{std::string(512, ' '), "y"}));
}

TEST_F(HelperTest, SeesItsInputEndWithUs) {
  std::optional<HelperRun> run;
  run.emplace(script("helper", "echo begun; cat; exit 5"), std::vector<std::string>{"helper"});
  pollfd waiting{run->output(), POLLIN, 0};
  ASSERT_EQ(::poll(&waiting, 1, 30'000), 1);
  const auto pid = run->pid();
  EXPECT_EQ(waitpid(pid, &status, WNOHANG), 0);
  run.reset();
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(WEXITSTATUS(status), 5);
}

TEST_F(HelperTest, SaysThatItCannotBeExecuted) {
  HelperRun run(dir / "none", {"none"});
  EXPECT_EQ(said(run), Lines{(dir / "none") + " cannot be executed: No such file or directory"});
  EXPECT_EQ(WEXITSTATUS(status), 127);
}

TEST_F(HelperTest, IsFoundByNameWhereHelpersAre) {
  const auto program = script("helper", "");
  EXPECT_EQ(found("helper"), program);
  EXPECT_EQ(found(program), program);
  EXPECT_EQ(found("sh"), "there is no program 'sh' in " + (dir / "none") + ", " + dir.path().string());
  EXPECT_EQ(found(dir / "other"), (dir / "other") + ": No such file or directory");
}

TEST_F(HelperTest, IsRefusedIfOthersCanChangeIt) {
  const auto program = script("helper", "");
  chmod(program.c_str(), 0757);
  EXPECT_NE(found("helper").find("can be written to by others"), std::string::npos) << found("helper");
}

}  // namespace
}  // namespace deferd
