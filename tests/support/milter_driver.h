// Plays scenarios over the milter protocol, to a deferd of its own on a memory store and a testing clock.
#pragma once
#include <memory>
#include <string>

#include "support/scenario.h"

namespace deferd::scenario {

/// `bin_dir` holds deferd and deferctl. The daemon lives in a temporary folder, which goes with the driver. Errors: invalid, with
/// what deferd said of the scenario's configuration; io.
Result<std::unique_ptr<Driver>> make_milter_driver(const Scenario& scenario, const std::string& bin_dir,
                                                   const std::vector<std::string>& plugin_dirs);

}  // namespace deferd::scenario
