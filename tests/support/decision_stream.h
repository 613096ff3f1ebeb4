// What was decided in scenarios, as text: to see that all front ends lead to the same decisions.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "support/scenario.h"

namespace deferd::scenario {

/// One scenario's part of a stream: a line with its file, and an indented line for each recipient.
std::string stream_of(const std::string& file, const std::vector<Decided>& decisions);

/// Instead of it where a scenario cannot be played this way.
std::string stream_without(const std::string& file);

/// Where `other` differs from `first`, a line each; empty if nowhere. Files that one of them is without are not compared.
std::vector<std::string> differences(std::string_view first, std::string_view other);

}  // namespace deferd::scenario
