// What the helper gives up once all it needs is open: the user it was started as, capabilities, and, where the system can, what a
// program may ask of the kernel at all. Whoever takes over the helper then has the tables of its command line, or the log of the
// packet filter, and nothing else. One file a system.
#pragma once
#include <string>
#include <vector>

#include "pfbridge/helper/options.h"

namespace deferd::bridge {

/// What is needed to the end. All false: what is open is enough, as for captures and for pf's device.
struct Needs {
  bool programs = false;             ///< Runs programs (pfctl, an operator's): nothing is denied beyond what `user` may not.
  bool netlink = false;              ///< Changes nftables: CAP_NET_ADMIN, netlink.
  bool pf_device = false;            ///< Controls the open /dev/pf.
  std::vector<std::string> folders;  ///< Writes files in these.

  /// What the tables of `options` take. A mixture of kinds needs all of them: run a helper for each.
  static Needs of(const Options& options);
};

/// For good, for this process and all that it starts. `user` empty: it stays who it is. Returns what could not be given up, and
/// then the helper must not go on; empty: done.
std::string enter_sandbox(const std::string& user, const Needs& needs);

/// The part that all systems have: user and group, without a way back. Empty, or what failed.
std::string become(const std::string& user);

}  // namespace deferd::bridge
