// packaging's service has the capabilities that the helper needs until it has opened everything, and no others.
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <iterator>

#include "pfbridge/helper/namespace_fixture.h"

namespace deferd::bridge {
namespace {

using namespace std::chrono_literals;

constexpr const char* kUnitRules =
    "table inet deferd {\n"
    " set white4 { type ipv4_addr; flags timeout; }\n"
    " chain pre { type nat hook prerouting priority dstnat; ip saddr @white4 accept; }\n"
    "}\n";

class HelperUnitTest : public NamespaceTest {
 protected:
  ~HelperUnitTest() override { stop(); }

  /// Those of the unit's CapabilityBoundingSet, as setpriv(1) names them: `net_admin`.
  static std::vector<std::string> capabilities() {
    std::ifstream unit(DEFERD_HELPER_UNIT);
    const std::string key = "CapabilityBoundingSet=", prefix = "CAP_";
    std::vector<std::string> names;
    for (std::string line; std::getline(unit, line);) {
      if (!line.starts_with(key)) continue;
      std::istringstream words(line.substr(key.size()));
      for (std::string word; words >> word;) {
        word.erase(0, prefix.size());
        std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
        names.push_back(word);
      }
    }
    return names;
  }

  /// The command of the unit, but for tables and paths, by a root that has `names` alone.
  std::vector<std::string> command(const std::vector<std::string>& names) const {
    std::string set = "-all";
    for (const auto& name : names) set += ",+" + name;
    return {"setpriv",  "--bounding-set", set,       "--no-new-privs", DEFERD_HELPER, "--table", "white=nft:inet/deferd/white4",
            "--socket", file("sock"),     "--owner", "nobody",         "--user",      "nobody"};
  }

  /// What does not work with `names` alone; empty: all does.
  std::string lacking(const std::vector<std::string>& names) {
    stop();
    std::filesystem::remove(file("sock"));
    pid = spawn(command(names), nothing());
    const int socket = connect(pid);
    if (socket < 0) return "it does not start";
    struct stat status {};
    ::stat(file("sock").c_str(), &status);
    const auto* nobody = ::getpwnam("nobody");
    const bool his = nobody != nullptr && status.st_uid == nobody->pw_uid;
    const auto add = hello_and({Add{0, {{one, 60}}}});
    const auto answer = ::write(socket, add.data(), add.size()) > 0 ? hear(socket, 2) : std::vector<Message>();
    ::close(socket);
    if (!his) return "its socket is not the owner's";
    if (answer.size() != 2 || answer[1] != Message(Done{"", 1})) return "it changes no table";
    const auto second = run_command(command(names), {}, {20s, 1000});
    return second.message.find("another helper listens there") != std::string::npos ? "" : "it takes another's socket away";
  }

  void stop() {
    if (pid > 0) ::kill(pid, SIGTERM);
    if (pid > 0) ::waitpid(pid, nullptr, 0);
    pid = -1;
  }

  pid_t pid = -1;
};

TEST_F(HelperUnitTest, HasTheCapabilitiesThatAreNeeded) {
  in_namespace(kUnitRules, [&] { EXPECT_EQ(lacking(capabilities()), ""); });
}

TEST_F(HelperUnitTest, HasNoneThatIsNotNeeded) {
  const auto all = capabilities();
  ASSERT_FALSE(all.empty());
  in_namespace(kUnitRules, [&] {
    for (const auto& one_less : all) {
      std::vector<std::string> rest;
      std::remove_copy(all.begin(), all.end(), std::back_inserter(rest), one_less);
      EXPECT_NE(lacking(rest), "") << one_less;
    }
  });
}

}  // namespace
}  // namespace deferd::bridge
