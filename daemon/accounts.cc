#include "daemon/accounts.h"

#include <algorithm>
#include <string_view>

#include "base/socket_guard.h"
#include "ops/privileges.h"

namespace deferd {
namespace {

/// Where `path`, as in "milter.socket_group", stands in the file, or as much of it as does.
Mark mark_of(const Value& file, std::string_view path) {
  Mark mark;
  for (const Value* at = &file; !path.empty();) {
    const auto end = std::min(path.find('.'), path.size());
    at = at->is_map() ? at->find(path.substr(0, end)) : nullptr;
    if (at == nullptr) break;
    mark = at->mark();
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return mark;
}

/// False: one does not exist.
bool all_exist(const DaemonConfig& config, const Value& file, Problems& problems) {
  const struct {
    const char* path;
    std::string user, group;
  } names[] = {
      {"user", config.user, {}},
      {"group", {}, config.group},
      {"commands.user", config.commands.user, {}},
      {"control.group", {}, config.control.group},
      {"milter.socket_owner", config.milter.socket_owner, {}},
      {"milter.socket_group", {}, config.milter.socket_group},
      {"smtp.socket_owner", config.smtp.socket_owner, {}},
      {"smtp.socket_group", {}, config.smtp.socket_group},
  };
  bool all = true;
  for (const auto& name : names)
    if (auto there = check_owner({name.user, name.group, {}}); !there) {
      problems.error(mark_of(file, name.path), name.path, there.error().what + " on this system: make it, or name another");
      all = false;
    }
  return all;
}

}  // namespace

void check_accounts(const DaemonConfig& config, const Value& file, Problems& problems) {
  if (!all_exist(config, file, problems)) return;
  const char* setting = "user";
  try {
    Account worker;
    if (!config.user.empty()) worker = find_account(config.user, config.group);
    setting = "commands.user";
    find_commands_account(config.commands, worker);
  } catch (const ErrorException& error) {
    problems.error(mark_of(file, setting), "", error.what());  // which begins with the setting
  }
}

}  // namespace deferd
