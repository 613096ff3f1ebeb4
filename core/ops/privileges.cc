#include "ops/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
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

bool drop_privileges(const std::string& user, const std::string& group) {
  if (geteuid() != 0) return false;
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

  // As root, setgid() and setuid() change the real, effective and saved ids everywhere; setresuid() is not everywhere.
  if (initgroups(user.c_str(), gid) != 0 || setgid(gid) != 0 || setuid(uid) != 0)
    refuse(Errc::io, "cannot become '" + user + "': " + std::strerror(errno));
  if (setuid(0) == 0 || setgid(0) == 0 || getuid() != uid || geteuid() != uid || getgid() != gid || getegid() != gid)
    refuse(Errc::io, "became '" + user + "', but could become root again");
  return true;
}

std::string user_name(uid_t uid) {
  char buffer[4096];
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) != 0 || found == nullptr) return "uid " + std::to_string(uid);
  return found->pw_name;
}

}  // namespace deferd
