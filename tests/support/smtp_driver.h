// Plays scenarios over SMTP, to a deferd of its own on a memory store and a testing clock, as clients behind a balancer.
//
// The front end is without hand-over here, so a client never hears that it passes: it is told to come back (451), as spamd does.
// What the driver reports for such a recipient is "pass" if the log says so *and* the client heard 451.
#pragma once
#include <memory>
#include <string>

#include "support/scenario.h"

namespace deferd::scenario {

/// `bin_dir` holds deferd and deferctl. The voice is that of the scenario's `milter`. Errors: invalid, with what deferd said of
/// the scenario's configuration; io. Attempts with auth=, tls= or name= fail: an MTA would know these, a stranger cannot show
/// them.
Result<std::unique_ptr<Driver>> make_smtp_driver(const Scenario& scenario, const std::string& bin_dir,
                                                 const std::vector<std::string>& plugin_dirs);

}  // namespace deferd::scenario
