#include "ops/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace deferd {
namespace {

[[noreturn]] void refuse(Errc code, std::string why) { throw ErrorException({code, std::move(why)}); }

gid_t find_group(const std::string& group) {
  const auto* entry = getgrnam(group.c_str());
  if (entry == nullptr) refuse(Errc::not_found, "group: there is no group '" + group + "' on this system");
  return entry->gr_gid;
}

}  // namespace

Account find_account(const std::string& user, const std::string& group) {
  if (user.empty())
    refuse(Errc::invalid,
           "refusing to run as root: name an account of its own in the configuration (user: deferd), or start it as that "
           "account");
  const auto* entry = getpwnam(user.c_str());
  if (entry == nullptr) refuse(Errc::not_found, "user: there is no account '" + user + "' on this system");
  const uid_t uid = entry->pw_uid;
  const gid_t gid = group.empty() ? entry->pw_gid : find_group(group);
  if (uid == 0) refuse(Errc::invalid, "user: '" + user + "' is root; name an account without privileges");
  if (gid == 0)
    refuse(Errc::invalid,
           "group: " + (group.empty() ? "that of '" + user + "'" : "'" + group + "'") + " is root's; name another");
  return {user, uid, gid};
}

void become(const Account& account) {
  const auto& [user, uid, gid] = account;
  // As root, setgid() and setuid() change the real, effective and saved ids everywhere; setresuid() is not everywhere.
  if (initgroups(user.c_str(), gid) != 0 || setgid(gid) != 0 || setuid(uid) != 0)
    refuse(Errc::io, "cannot become '" + user + "': " + std::strerror(errno));
  if (setuid(0) == 0 || setgid(0) == 0 || getuid() != uid || geteuid() != uid || getgid() != gid || getegid() != gid)
    refuse(Errc::io, "became '" + user + "', but could become root again");
}

bool drop_privileges(const std::string& user, const std::string& group) {
  if (geteuid() != 0) return false;
  become(find_account(user, group));
  return true;
}

AsAccount::AsAccount(const Account& account) : group_(getegid()) {
  const int count = getgroups(0, nullptr);
  groups_.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  if (getgroups(count, groups_.data()) != count) refuse(Errc::io, std::string("cannot tell my groups: ") + std::strerror(errno));
  if (initgroups(account.name.c_str(), account.gid) == 0 && setegid(account.gid) == 0 && seteuid(account.uid) == 0) return;
  const std::string why = std::strerror(errno);
  back();
  refuse(Errc::io, "cannot act as '" + account.name + "': " + why);
}

AsAccount::~AsAccount() { back(); }

void AsAccount::back() {
  // Going on as half of each would be worse than the end.
  if (seteuid(0) != 0 || setegid(group_) != 0 || setgroups(groups_.size(), groups_.data()) != 0) std::abort();
}

std::string user_name(uid_t uid) {
  char buffer[4096];
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) != 0 || found == nullptr) return "uid " + std::to_string(uid);
  return found->pw_name;
}

}  // namespace deferd
