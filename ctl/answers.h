// The daemon's answers on the screen: as they are for programs (--json), else in words.
#pragma once
#include <functional>
#include <string>

#include "ctl/commands.h"

namespace deferd::ctl {

/// Asks; of the answer people see what `in_words` prints of it.
Outcome<void> print_answer(const Job& job, const Question& question, const std::function<void(const Value& answer)>& in_words);

/// Asks for a list; people see what `in_words` prints of each row. False: no more of it.
Outcome<void> print_rows(const Job& job, const std::string& target, const std::function<bool(const Value& row)>& in_words);

}  // namespace deferd::ctl
