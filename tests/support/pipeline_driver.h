// Plays scenarios into the Pipeline, in this process, with the real plugins on a memory store.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "support/scenario.h"

namespace deferd::scenario {

/// Errors: invalid, with what is wrong with the scenario's configuration.
Result<std::unique_ptr<Driver>> make_pipeline_driver(const Scenario& scenario, const std::vector<std::string>& plugin_dirs);

}  // namespace deferd::scenario
