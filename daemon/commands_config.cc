#include "daemon/commands_config.h"

#include <pwd.h>

namespace deferd {

Schema<CommandsConfig> CommandsConfig::schema() {
  return Schema<CommandsConfig>{}.field(
      "user", &CommandsConfig::user,
      "User that programs of plugins run as (exec lists, ssh to a firewall), with its own group, when started as root; default: "
      "deferd-commands if there is such an account, else the same as user.");
}

std::optional<Account> find_commands_account(const CommandsConfig& config, const Account& worker) {
  if (config.user.empty() && getpwnam(CommandsConfig::kUsualUser) == nullptr) return std::nullopt;
  try {
    auto account = find_account(config.user.empty() ? CommandsConfig::kUsualUser : config.user, {});
    if (account.uid == worker.uid) return std::nullopt;
    if (account.gid == worker.gid)
      throw ErrorException({Errc::invalid, "user: " + account.name +
                                               " has the group of deferd's own user, whose files it must not "
                                               "read; give it a group of its own"});
    return account;
  } catch (const ErrorException& error) {
    throw ErrorException({error.code, std::string("commands: ") + error.what()});
  }
}

}  // namespace deferd
