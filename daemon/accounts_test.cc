#include "daemon/accounts.h"

#include <gtest/gtest.h>

#include "config/yaml.h"
#include "ops/privileges.h"

namespace deferd {
namespace {

/// What is wrong with the accounts of a configuration.
std::string wrong_accounts(std::string_view text) {
  Problems problems;
  const auto file = parse_yaml(text, problems).value();
  const auto loaded = read_what_is_right(file, problems);
  EXPECT_TRUE(problems.list().empty()) << problems.to_string("");
  check_accounts(loaded.config, file, problems);
  return problems.to_string("");
}

TEST(Accounts, ThatDoNotExistAreToldEachWithItsPlace) {
  EXPECT_EQ(wrong_accounts("user: no-such-1\n"
                           "group: no-such-2\n"
                           "commands: {user: no-such-3}\n"
                           "control:\n"
                           "  group: no-such-4\n"
                           "milter: {socket_owner: no-such-5, socket_group: no-such-6}\n"
                           "smtp: {socket_owner: no-such-7, socket_group: no-such-8}\n"),
            "1:7: user: there is no user 'no-such-1' on this system: make it, or name another\n"
            "2:8: group: there is no group 'no-such-2' on this system: make it, or name another\n"
            "3:18: commands.user: there is no user 'no-such-3' on this system: make it, or name another\n"
            "5:10: control.group: there is no group 'no-such-4' on this system: make it, or name another\n"
            "6:24: milter.socket_owner: there is no user 'no-such-5' on this system: make it, or name another\n"
            "6:49: milter.socket_group: there is no group 'no-such-6' on this system: make it, or name another\n"
            "7:22: smtp.socket_owner: there is no user 'no-such-7' on this system: make it, or name another\n"
            "7:47: smtp.socket_group: there is no group 'no-such-8' on this system: make it, or name another\n");
}

TEST(Accounts, ThatExistAreTaken) {
  EXPECT_EQ(wrong_accounts(
                "{user: nobody, group: daemon, control: {group: daemon}, milter: {socket_owner: nobody, socket_group: daemon}}"),
            "");
  EXPECT_EQ(wrong_accounts("{}"), "");
}

TEST(Accounts, AreNotToBeRoot) {
  EXPECT_EQ(wrong_accounts("store: {engine: memory}\nuser: root\n"),
            "2:7: user: 'root' is root; name an account without privileges\n");
  EXPECT_EQ(wrong_accounts("commands: {user: root}\n"),
            "1:18: commands: user: 'root' is root; name an account without privileges\n");
}

TEST(Accounts, OfRootMayOwnSockets) { EXPECT_EQ(wrong_accounts("milter: {socket_owner: root}\n"), ""); }

}  // namespace
}  // namespace deferd
