// As whom the programs that plugins start are run.
#pragma once
#include <optional>
#include <string>

#include "deferd/schema.h"
#include "ops/privileges.h"

namespace deferd {

struct CommandsConfig {
  /// The account that is taken, if there is one of that name, where none is configured.
  static constexpr const char* kUsualUser = "deferd-commands";

  std::string user;
  static Schema<CommandsConfig> schema();

  bool operator==(const CommandsConfig&) const = default;
};

/// Who is to run commands for a worker that is `worker`; nullopt: the worker itself. Throws ErrorException: no such account, or
/// one that is root.
std::optional<Account> find_commands_account(const CommandsConfig& config, const Account& worker);

}  // namespace deferd
