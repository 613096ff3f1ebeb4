#include "pfbridge/helper/sandbox.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace deferd::bridge {
namespace {

void add(const std::string& kind, const std::string& place, Needs& needs) {
  if (kind == "pfctl" || kind == "program") needs.programs = true;
  if (kind == "nft") needs.netlink = true;
  if (kind == "pf") needs.pf_device = true;
  if (kind == "file") {
    const auto slash = place.rfind('/');
    needs.folders.push_back(slash == std::string::npos ? "." : place.substr(0, slash + 1));
  }
}

}  // namespace

Needs Needs::of(const Options& options) {
  Needs needs;
  for (const auto& table : options.tables) add(table.kind, table.place, needs);
  if (const auto colon = options.bypass.find(':'); colon != std::string::npos)
    add(options.bypass.substr(0, colon), options.bypass.substr(colon + 1), needs);
  return needs;
}

std::string become(const std::string& user) {
  const passwd* entry = ::getpwnam(user.c_str());
  if (entry == nullptr) return "no user " + user + "; create it, or name another by --user";
  const uid_t uid = entry->pw_uid;
  const gid_t gid = entry->pw_gid;
  if (::setgroups(1, &gid) != 0 || ::setresgid(gid, gid, gid) != 0 || ::setresuid(uid, uid, uid) != 0)
    return "cannot become " + user + ": " + std::strerror(errno) + "; only root can";
  if (uid != 0 && ::setuid(0) == 0) return "cannot become " + user + " for good";
  return {};
}

}  // namespace deferd::bridge
