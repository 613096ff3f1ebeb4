// Where `migrate spamd` finds what spamd has.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "ctl/commands.h"
#include "ctl/spamd_config.h"
#include "ctl/spamd_state.h"

namespace deferd::ctl {

struct SpamdSources {
  SpamdSetup setup;
  std::string dump_name, dump;      ///< What spamdb(8) prints; empty with -b.
  PfTable passing;                  ///< <spamd-white>
  std::string rules;                ///< pf.conf; empty: not at hand.
  std::vector<std::string> unread;  ///< What could not be read though it matters, and what to do about it.
};

/// Reads the files named in `job`'s arguments; for what is not named asks spamdb and pfctl, and looks into the files that OpenBSD
/// and FreeBSD have. Errors: kUsage for a named file that cannot be read, for flags that are none of spamd's, and without a dump.
Outcome<SpamdSources> read_spamd_sources(const Job& job);

}  // namespace deferd::ctl
