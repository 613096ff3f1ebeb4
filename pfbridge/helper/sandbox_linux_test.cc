// In a child process each: there is no way back.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <net/if.h>
#include <poll.h>
#include <pwd.h>
#include <seccomp.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "pfbridge/helper/sandbox.h"
#include "pfbridge/helper/sandbox_linux.h"

extern char** environ;

namespace deferd::bridge {
namespace {

Needs netlink() {
  Needs needs;
  needs.netlink = true;
  return needs;
}

class SandboxLinuxTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to have something to give up";
    std::string name = (std::filesystem::temp_directory_path() / "deferd-sandbox.XXXXXX").string();
    folder = ::mkdtemp(name.data());
  }
  void TearDown() override {
    if (!folder.empty()) std::filesystem::remove_all(folder);
  }

  /// How a child ends that does `act` in the sandbox: `signal 31`, or `exit N` with what `act` returns.
  static std::string ends(const Needs& needs, const std::function<int()>& act, const std::string& user = "nobody") {
    const pid_t child = ::fork();
    if (child == 0) {
      const rlimit none{0, 0};
      ::setrlimit(RLIMIT_CORE, &none);
      if (const auto error = enter_sandbox(user, needs); !error.empty()) ::_exit(99);
      ::_exit(act());
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status)) : "exit " + std::to_string(WEXITSTATUS(status));
  }

  /// The value of a line of /proc/self/status, in a child in the sandbox.
  static std::string status_of(const Needs& needs, const std::string& line, const std::string& user = "nobody") {
    int ends_of_pipe[2];
    EXPECT_EQ(::pipe(ends_of_pipe), 0);
    ends(
        needs,
        [&] {
          std::ifstream status("/proc/self/status");
          for (std::string text; std::getline(status, text);)
            if (text.starts_with(line + ":\t")) {
              text.erase(0, line.size() + 2);
              return ::write(ends_of_pipe[1], text.data(), text.size()) > 0 ? 0 : 1;
            }
          return 1;
        },
        user);
    ::close(ends_of_pipe[1]);
    char buffer[256];
    const ssize_t got = ::read(ends_of_pipe[0], buffer, sizeof buffer);
    ::close(ends_of_pipe[0]);
    return got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : std::string();
  }

  static int run_true() {
    char name[] = "/bin/true";
    char* const argv[] = {name, nullptr};
    return ::execve(name, argv, environ);
  }
  static int create(const std::string& path) { return ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0 ? 0 : 1; }

  const std::string killed = "signal " + std::to_string(SIGSYS);
  std::filesystem::path folder;
};

TEST_F(SandboxLinuxTest, BecomesTheUserAltogether) {
  const auto* nobody = ::getpwnam("nobody");
  ASSERT_NE(nobody, nullptr);
  const auto uid = std::to_string(nobody->pw_uid), gid = std::to_string(nobody->pw_gid);
  EXPECT_EQ(status_of({}, "Uid"), uid + '\t' + uid + '\t' + uid + '\t' + uid);
  EXPECT_EQ(status_of({}, "Gid"), gid + '\t' + gid + '\t' + gid + '\t' + gid);
  EXPECT_EQ(status_of({}, "Groups"), gid + ' ');
}

TEST_F(SandboxLinuxTest, KeepsTheOneCapabilityThatTablesTake) {
  static_assert(CAP_NET_ADMIN == 12);
  for (const char* set : {"CapEff", "CapPrm"}) EXPECT_EQ(status_of(netlink(), set), "0000000000001000") << set;
  for (const char* set : {"CapInh", "CapAmb"}) EXPECT_EQ(status_of(netlink(), set), "0000000000000000") << set;
}

TEST_F(SandboxLinuxTest, KeepsNoCapabilityForCaptures) {
  for (const char* set : {"CapEff", "CapPrm", "CapInh", "CapAmb"}) EXPECT_EQ(status_of({}, set), "0000000000000000") << set;
}

TEST_F(SandboxLinuxTest, KeepsNoOtherCapabilityAsRoot) {
  EXPECT_EQ(status_of(netlink(), "CapPrm", ""), "0000000000001000");
  EXPECT_EQ(status_of({}, "CapPrm", ""), "0000000000000000");
}

TEST_F(SandboxLinuxTest, CanGetNothingBack) {
  EXPECT_EQ(status_of(netlink(), "NoNewPrivs"), "1");
  EXPECT_EQ(status_of(netlink(), "Seccomp"), "2");
  EXPECT_EQ(ends({}, [] { return ::setuid(0); }), killed);
}

TEST_F(SandboxLinuxTest, RunsNoProgram) {
  EXPECT_EQ(ends({}, run_true), killed);
  EXPECT_EQ(ends(netlink(), run_true), killed);
  Needs files;
  files.folders = {folder.string()};
  EXPECT_EQ(ends(files, run_true), killed);
}

TEST_F(SandboxLinuxTest, OpensNothingForWriting) {
  const auto path = (folder / "file").string();
  std::ofstream(path) << "text";
  for (const auto& needs : {Needs{}, netlink()}) {
    EXPECT_EQ(ends(
                  needs, [&] { return create((folder / "fresh").string()); }, ""),
              killed);
    EXPECT_EQ(ends(
                  needs, [&] { return ::open(path.c_str(), O_RDWR | O_CLOEXEC) >= 0 ? 0 : 1; }, ""),
              killed);
    EXPECT_EQ(ends(
                  needs, [&] { return ::open(path.c_str(), O_RDONLY | O_TRUNC | O_CLOEXEC) >= 0 ? 0 : 1; }, ""),
              killed);
    EXPECT_EQ(ends(
                  needs, [&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC) >= 0 ? 0 : 1; }, ""),
              "exit 0");
    EXPECT_EQ(ends(
                  needs, [&] { return ::rename(path.c_str(), (path + "2").c_str()); }, ""),
              killed);
    EXPECT_EQ(ends(
                  needs, [&] { return ::unlink(path.c_str()) == 0 ? 1 : 0; }, ""),
              "exit 0");
    EXPECT_EQ(ends(  // as unlink(3) of arm64 does
                  needs, [&] { return ::unlinkat(AT_FDCWD, path.c_str(), 0) == 0 ? 1 : 0; }, ""),
              "exit 0");
  }
  EXPECT_EQ(std::filesystem::file_size(path), 4u);
}

TEST_F(SandboxLinuxTest, WritesFilesThatAreTables) {
  Needs files;
  files.folders = {folder.string()};
  const auto path = (folder / "file").string();
  EXPECT_EQ(ends(
                files, [&] { return create(path) + ::rename(path.c_str(), (path + "2").c_str()); }, ""),
            "exit 0");
  EXPECT_TRUE(std::filesystem::exists(path + "2"));
}

TEST_F(SandboxLinuxTest, ReachesNoNetwork) {
  const auto open_socket = [](int family) {
    return [family] { return ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 ? 0 : 1; };
  };
  for (const int family : {AF_INET, AF_INET6, AF_PACKET}) {
    EXPECT_EQ(ends({}, open_socket(family)), killed) << family;
    EXPECT_EQ(ends(netlink(), open_socket(family)), killed) << family;
  }
  const auto ask_kernel = [] { return ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0) >= 0 ? 0 : 1; };
  EXPECT_EQ(ends(netlink(), ask_kernel), "exit 0");
  EXPECT_EQ(ends({}, ask_kernel), killed);
}

TEST_F(SandboxLinuxTest, ReachesNoSocketOfOthers) {
  sockaddr_un place{};
  place.sun_family = AF_UNIX;
  (folder / "log").string().copy(place.sun_path, sizeof place.sun_path - 1);
  const auto* address = reinterpret_cast<const sockaddr*>(&place);
  const int theirs = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(theirs, address, sizeof place), 0);
  const auto open_socket = [] { return ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0); };
  const auto send_to = [&] { return ::sendto(open_socket(), "x", 1, 0, address, sizeof place) == 1 ? 0 : 1; };
  const auto send_message = [&] {
    iovec text{const_cast<char*>("x"), 1};
    msghdr message{};
    message.msg_name = &place;
    message.msg_namelen = sizeof place;
    message.msg_iov = &text;
    message.msg_iovlen = 1;
    return ::sendmsg(open_socket(), &message, 0) == 1 ? 0 : 1;
  };
  const auto connect = [&] { return ::connect(open_socket(), address, sizeof place) == 0 ? 0 : errno; };
  const auto has_none = [&] { return open_socket() < 0 && errno == EACCES ? 0 : 1; };
  EXPECT_EQ(ends({}, send_to, ""), killed);
  EXPECT_EQ(ends({}, send_message, ""), killed);
  EXPECT_EQ(ends({}, connect, ""), "exit " + std::to_string(EACCES));
  EXPECT_EQ(ends(netlink(), has_none, ""), "exit 0");
  char byte;
  EXPECT_LT(::recv(theirs, &byte, 1, MSG_DONTWAIT), 0);
  ::close(theirs);
}

TEST_F(SandboxLinuxTest, NamesInterfaces) {
  EXPECT_EQ(ends({},
                 [] {
                   char name[IF_NAMESIZE];
                   return ::if_indextoname(1, name) ? 0 : 1;
                 }),
            "exit 0");
}

TEST_F(SandboxLinuxTest, LeavesProgramsTheirWay) {
  Needs programs;
  programs.programs = true;
  EXPECT_EQ(ends(programs, run_true), "exit 0");
  EXPECT_EQ(status_of(programs, "NoNewPrivs"), "0");  // doas(1) is one of them
  EXPECT_EQ(status_of(programs, "CapPrm"), "0000000000000000");
}

TEST_F(SandboxLinuxTest, StillEndsWithWhoStartedIt) {
  Needs programs;
  programs.programs = true;
  for (const auto& needs : {Needs{}, netlink(), programs}) {
    int ends_of_pipe[2];
    ASSERT_EQ(::pipe(ends_of_pipe), 0);
    const pid_t parent = ::fork();
    if (parent == 0) {
      if (::fork() == 0) {
        ::close(ends_of_pipe[0]);
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (!enter_sandbox("nobody", needs).empty() || ::write(ends_of_pipe[1], "x", 1) != 1) ::_exit(99);
        for (;;) ::poll(nullptr, 0, -1);
      }
      ::close(ends_of_pipe[1]);
      char byte;
      ::_exit(::read(ends_of_pipe[0], &byte, 1) == 1 ? 0 : 1);
    }
    ::close(ends_of_pipe[1]);
    int status = 0;
    ::waitpid(parent, &status, 0);
    EXPECT_EQ(status, 0) << "it did not get into the sandbox";
    // Its end of the pipe is closed when it ends.
    pollfd hung_up{ends_of_pipe[0], 0, 0};
    EXPECT_EQ(::poll(&hung_up, 1, 20000), 1);
    ::close(ends_of_pipe[0]);
  }
}

TEST_F(SandboxLinuxTest, RefusesToGoOnAsSomebodyElse) {
  EXPECT_EQ(ends(
                {}, [] { return 0; }, "no-such-user"),
            "exit 99");
}

/// The names of system calls in the list for a processor.
std::string list_for(std::uint32_t architecture) {
  std::FILE* file = std::tmpfile();
  EXPECT_EQ(print_filter({}, architecture, ::fileno(file)), "");
  std::rewind(file);
  std::string text;
  char buffer[4096];
  while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, file)) text.append(buffer, got);
  std::fclose(file);
  return text;
}

TEST(SandboxListTest, HasTheNamesOf32BitProcessors) {
  for (const std::uint32_t architecture : {SCMP_ARCH_ARM, SCMP_ARCH_X86}) {
    const auto list = list_for(architecture);
    for (const char* call :
         {"_llseek", "_newselect", "clock_gettime64", "fcntl64", "fstat64", "mmap2", "ppoll_time64", "sigreturn"})
      EXPECT_NE(list.find('"' + std::string(call) + '"'), std::string::npos) << call << " of " << architecture;
  }
  EXPECT_NE(list_for(SCMP_ARCH_ARM).find("\"recv\""), std::string::npos);
}

}  // namespace
}  // namespace deferd::bridge
