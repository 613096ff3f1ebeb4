// For tests of the helper as a program: a folder of their own, and frames.
#pragma once
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "pfbridge/helper/wire.h"

extern char** environ;

namespace deferd::bridge {

class HelperTest : public testing::Test {
 protected:
  HelperTest() {
    ::signal(SIGPIPE, SIG_IGN);
    std::string name = (std::filesystem::temp_directory_path() / "deferd-helper.XXXXXX").string();
    folder = ::mkdtemp(name.data());
  }
  ~HelperTest() override { std::filesystem::remove_all(folder); }

  std::string file(const char* name) const { return (folder / name).string(); }
  std::string text_of(const char* name) const {
    std::ostringstream text;
    text << std::ifstream(file(name)).rdbuf();
    return text.str();
  }
  static std::vector<Message> messages(std::string_view bytes) {
    FrameReader reader;
    reader.add(bytes);
    std::vector<Message> all;
    while (auto frame = reader.next()) all.push_back(frame->message);
    return all;
  }
  static std::string hello_and(const std::vector<Message>& rest) {
    std::string bytes;
    write_frame(bytes, 0, Hello{});
    std::uint32_t id = 1;
    for (const auto& message : rest) write_frame(bytes, id++, message);
    return bytes;
  }

  /// What a service has for standard input.
  static int nothing() {
    static const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    return null;
  }
  /// Starts a program with `input` for standard input.
  static pid_t spawn(std::vector<std::string> words, int input) {
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, input, 0);
    pid_t pid = -1;
    EXPECT_EQ(::posix_spawnp(&pid, argv[0], &files, nullptr, argv.data(), environ), 0) << argv[0];
    ::posix_spawn_file_actions_destroy(&files);
    return pid;
  }
  /// To the helper `pid` at file("sock"), as soon as it listens there; -1: it has ended.
  int connect(pid_t pid) const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    file("sock").copy(address.sun_path, sizeof address.sun_path - 1);
    for (int attempt = 0; attempt < 2000; ++attempt) {
      const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return socket;
      ::close(socket);
      siginfo_t ended{};
      if (::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == pid) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));  // there is nothing to wait on
    }
    return -1;
  }
  /// Until so many messages came, or the end, or for a minute without any.
  static std::vector<Message> hear(int socket, std::size_t count) {
    const timeval patience{60, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    std::string bytes;
    char buffer[4096];
    for (ssize_t got = 0; messages(bytes).size() < count && (got = ::read(socket, buffer, sizeof buffer)) > 0;)
      bytes.append(buffer, static_cast<std::size_t>(got));
    return messages(bytes);
  }

  std::filesystem::path folder;
  const Entry one = *Entry::parse("192.0.2.1"), net = *Entry::parse("2001:db8::/32");
};

}  // namespace deferd::bridge
