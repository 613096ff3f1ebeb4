// The files of conf/pf, which are compiled in: what `pf-rules` prints is what stands there.
#pragma once
#include <string_view>

namespace deferd::ctl {

/// The text of `conf/pf/NAME`; empty if there is no such file.
std::string_view rule_template(std::string_view name);

}  // namespace deferd::ctl
