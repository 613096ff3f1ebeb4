// OpenBSD: unveil(2), then the user, then pledge(2).
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "pfbridge/helper/sandbox.h"

namespace deferd::bridge {
namespace {

std::string failed(const char* what) { return std::string(what) + ": " + std::strerror(errno); }

}  // namespace

std::string enter_sandbox(const std::string& user, const Needs& needs) {
  if (needs.programs) return user.empty() ? std::string() : become(user);
  if (!user.empty())
    if (auto error = become(user); !error.empty()) return error;
  for (const auto& folder : needs.folders)
    if (::unveil(folder.c_str(), "rwc") != 0) return failed("unveil");
  // Where nothing else is in sight, the root without any permission hides all.
  if (needs.folders.empty() && ::unveil("/", "") != 0) return failed("unveil");
  if (::unveil(nullptr, nullptr) != 0) return failed("unveil");
  // Of pf's requests the promise "pf" lacks those that change and read addresses of tables, so for them nothing can be promised.
  if (needs.pf_device) return {};
  if (::pledge(needs.folders.empty() ? "stdio unix cpath" : "stdio unix rpath wpath cpath", nullptr) != 0)
    return failed("pledge");
  return {};
}

}  // namespace deferd::bridge
