#include "daemon/commands_config.h"

#include <gtest/gtest.h>
#include <pwd.h>

namespace deferd {
namespace {

const Account kWorker{"worker", 4'000'000'000, 4'000'000'000};  // nobody's on this machine

std::string refused(const std::string& user) {
  try {
    find_commands_account({user}, kWorker);
  } catch (const ErrorException& error) {
    return error.what();
  }
  return "taken";
}

TEST(CommandsConfig, NamesWhoRunsPrograms) {
  const auto account = find_commands_account({"nobody"}, kWorker);
  ASSERT_TRUE(account);
  EXPECT_EQ(account->uid, getpwnam("nobody")->pw_uid);
}

TEST(CommandsConfig, LeavesItToTheWorkerIfThatIsTheSame) {
  EXPECT_FALSE(find_commands_account({"nobody"}, find_account("nobody", {})));
}

TEST(CommandsConfig, LeavesItToTheWorkerIfThereIsNobodyElse) {
  if (getpwnam(CommandsConfig::kUsualUser) != nullptr)
    GTEST_SKIP() << "this machine has the account " << CommandsConfig::kUsualUser;
  EXPECT_FALSE(find_commands_account({}, kWorker));
}

TEST(CommandsConfig, NamesNobodyInTheWorkersGroup) {
  auto worker = kWorker;
  worker.gid = getpwnam("nobody")->pw_gid;
  EXPECT_THROW(find_commands_account({"nobody"}, worker), ErrorException);
}

TEST(CommandsConfig, NamesNobodyWhoIsNotThereOrRoot) {
  EXPECT_EQ(refused("no-such-account"), "commands: user: there is no account 'no-such-account' on this system");
  EXPECT_EQ(refused("root"), "commands: user: 'root' is root; name an account without privileges");
}

}  // namespace
}  // namespace deferd
