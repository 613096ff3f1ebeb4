// The program itself, capturing.
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "pfbridge/helper/command.h"
#include "pfbridge/helper/helper_fixture.h"
#ifdef __linux__
#include "pfbridge/helper/namespace_fixture.h"
#endif
#include "pfbridge/helper/packet.h"
#include "pfbridge/helper/pcap_file.h"

extern char** environ;

namespace deferd::bridge {
namespace {

using namespace std::chrono_literals;

Passed passed(bool inbound, const char* host, const char* interface) { return {inbound, *Entry::parse(host), interface}; }

class HelperPcapTest : public HelperTest {
 protected:
  CommandResult run(std::vector<std::string> more = {}) {
    std::vector<std::string> argv{DEFERD_HELPER, "--pcap", file("log")};
    argv.insert(argv.end(), more.begin(), more.end());
    return run_command(argv, hello_and({}), {60s, 10'000'000});
  }
};

TEST_F(HelperPcapTest, TellsOfWhatWasCaptured) {
  PcapFile(kLinkPflog)
      .add(pflog(ipv4(tcp(40000, 25))))
      .add(pflog(ipv4(tcp(40001, 25))))
      .add(pflog(ipv6(tcp(40000, 25)), kFreeBsd, 2))
      .write(file("log"));
  const auto result = run();
  ASSERT_TRUE(result.ok()) << result.failure << result.message;
  EXPECT_EQ(messages(result.output),
            (std::vector<Message>{Hello{}, passed(true, "192.0.2.7", "em0"), passed(false, "2001:db8::25", "em0")}));
}

TEST_F(HelperPcapTest, TellsOfTheInterfacesAskedFor) {
  PcapFile(kLinkNflog).add(nflog(ipv4(tcp(40000, 25)))).add(nflog(ipv6(tcp(40000, 25)), false, true)).write(file("log"));
  const auto result = run({"--interface", "4"});
  EXPECT_EQ(messages(result.output), (std::vector<Message>{Hello{}, passed(false, "2001:db8::25", "4")}));
}

TEST_F(HelperPcapTest, LosesNothingOfALongFile) {
  PcapFile log(kLinkPflog);
  constexpr unsigned kHosts = 12'000;  // more than a pipe holds
  for (unsigned i = 0; i < kHosts; ++i) {
    auto packet = ipv4(tcp(40000, 25));
    packet[14] = static_cast<std::uint8_t>(i >> 8);
    packet[15] = static_cast<std::uint8_t>(i);
    log.add(pflog(packet));
  }
  log.write(file("log"));
  const auto result = run();
  ASSERT_TRUE(result.ok()) << result.failure << result.message;
  EXPECT_EQ(messages(result.output).size(), kHosts + 1);
}

TEST_F(HelperPcapTest, EndsWithAFailureThatItTells) {
  PcapFile(kLinkPflog).add(pflog(ipv4(tcp(40000, 25)))).cut_off(3).write(file("log"));
  const auto result = run();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.message.find("deferd-helper: " + file("log") + ": truncated"), std::string::npos) << result.message;
}

TEST_F(HelperPcapTest, ChecksWhatItWouldCapture) {
  PcapFile(kLinkPflog).write(file("log"));
  EXPECT_EQ(run({"--check"}).output, file("log") + ": ok\n");
  PcapFile(1).write(file("log"));
  const auto result = run({"--check"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.message.find("name pflog0 or another pflog interface, or nflog:GROUP"), std::string::npos) << result.message;
}

#ifdef __linux__

constexpr const char* kNflogRules =
    "table inet watched {\n"
    " chain in {\n"
    "  type filter hook input priority 0;\n"
    "  tcp dport 25 tcp flags & (syn | ack) == syn log group 155 queue-threshold 1\n"
    " }\n"
    " chain out {\n"
    "  type filter hook output priority 0;\n"
    "  tcp dport 25 tcp flags & (syn | ack) == syn log group 255 queue-threshold 1\n"
    " }\n"
    "}\n";

/// The real kernel's NFLOG.
class HelperNflogTest : public NamespaceTest {
 protected:
  void capturing(const std::function<void()>& test) {
    in_namespace(kNflogRules, [&] {
      must({"ip", "link", "set", "lo", "up"});
      for (const char* address : {"192.0.2.7/32", "198.51.100.25/32", "2001:db8::7/128", "2001:db8::25/128"})
        must({"ip", "address", "add", address, "dev", "lo"});
      if (HasFatalFailure()) return;
      test();
      stop();
    });
  }

  /// With its standard input and output in `ours`.
  void start(std::vector<std::string> words) {
    words.insert(words.begin(), DEFERD_HELPER);
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ours = ends[0];
    const timeval patience{60, 0};
    ::setsockopt(ours, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, ends[1], 0);
    ::posix_spawn_file_actions_adddup2(&files, ends[1], 1);
    EXPECT_EQ(::posix_spawn(&pid, argv[0], &files, nullptr, argv.data(), environ), 0);
    ::posix_spawn_file_actions_destroy(&files);
    ::close(ends[1]);
    const auto hello = hello_and({});
    EXPECT_EQ(::write(ours, hello.data(), hello.size()), static_cast<ssize_t>(hello.size()));
    EXPECT_EQ(hear(1), std::vector<Message>{Hello{}});
  }
  void stop() {
    if (ours < 0) return;
    ::shutdown(ours, SHUT_WR);
    int status = 0;
    ::waitpid(pid, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    ::close(ours);
    ours = -1;
  }

  /// The next so many messages.
  std::vector<Message> hear(std::size_t count) {
    std::vector<Message> all;
    char buffer[4096];
    while (all.size() < count) {
      if (auto frame = reader.next()) {
        all.push_back(frame->message);
        continue;
      }
      const ssize_t got = ::read(ours, buffer, sizeof buffer);
      if (got <= 0) break;
      reader.add({buffer, static_cast<std::size_t>(got)});
    }
    return all;
  }

  // Nobody answers: the first packet is all that matters.
  static void connect_ipv4() {
    sockaddr_in from{}, to{};
    from.sin_family = to.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(0xc0000207);  // 192.0.2.7
    to.sin_addr.s_addr = htonl(0xc6336419);    // 198.51.100.25
    to.sin_port = htons(25);
    connect(from, to);
  }
  static void connect_ipv6() {
    sockaddr_in6 from{}, to{};
    from.sin6_family = to.sin6_family = AF_INET6;
    from.sin6_addr.s6_addr[0] = to.sin6_addr.s6_addr[0] = 0x20;
    from.sin6_addr.s6_addr[1] = to.sin6_addr.s6_addr[1] = 0x01;
    from.sin6_addr.s6_addr[2] = to.sin6_addr.s6_addr[2] = 0x0d;
    from.sin6_addr.s6_addr[3] = to.sin6_addr.s6_addr[3] = 0xb8;
    from.sin6_addr.s6_addr[15] = 0x07;
    to.sin6_addr.s6_addr[15] = 0x25;
    to.sin6_port = htons(25);
    connect(from, to);
  }
  template <class Sockaddr>
  static void connect(const Sockaddr& from, const Sockaddr& to) {
    const int socket = ::socket(reinterpret_cast<const sockaddr&>(from).sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&from), sizeof from), 0);
    EXPECT_NE(::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    ::close(socket);
  }

  pid_t pid = -1;
  int ours = -1;
  FrameReader reader;
};

bool in_order(const Message& one, const Message& other) {
  const auto &left = std::get<Passed>(one), &right = std::get<Passed>(other);
  return std::tie(left.host, left.inbound) < std::tie(right.host, right.inbound);
}

TEST_F(HelperNflogTest, TellsOfBothDirectionsAndFamilies) {
  capturing([&] {
    start({"--capture", "nflog:155", "--capture", "nflog:255", "--user", "nobody"});
    connect_ipv4();
    connect_ipv4();  // again: once is enough
    connect_ipv6();
    auto told = hear(4);
    std::sort(told.begin(), told.end(), in_order);
    EXPECT_EQ(told, (std::vector<Message>{passed(true, "192.0.2.7", "lo"), passed(false, "198.51.100.25", "lo"),
                                          passed(true, "2001:db8::7", "lo"), passed(false, "2001:db8::25", "lo")}));
  });
}

TEST_F(HelperNflogTest, TakesTheDirectionThatAGroupIsFor) {
  capturing([&] {
    start({"--capture", "nflog:155=out"});
    connect_ipv4();
    EXPECT_EQ(hear(1), std::vector<Message>{passed(false, "198.51.100.25", "lo")});
  });
}

TEST_F(HelperNflogTest, SaysThatAGroupIsTaken) {
  capturing([&] {
    start({"--capture", "nflog:155"});
    const auto second = run_command({DEFERD_HELPER, "--capture", "nflog:155", "--check"}, {});
    EXPECT_EQ(second.exit_code, 1);
    EXPECT_NE(second.message.find("a group has one listener"), std::string::npos) << second.message;
  });
}

#endif

}  // namespace
}  // namespace deferd::bridge
