// What is read from files goes into the daemon: import, migrate.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "ctl/commands.h"
#include "ctl/entry.h"
#include "ctl/import_batch.h"

namespace deferd::ctl {

/// A whole file; `-` is the standard input.
Outcome<std::string> read_input(const std::string& name);

/// Refuses a file with damage, but for what strangers could do to it: that is told and skipped.
Outcome<void> check_damage(const std::string& name, const std::vector<Damage>& damage, const Screen& screen);

/// Hands over entry by entry, each time the same.
using EachEntry = std::function<void(const std::function<void(const Entry&)>& take)>;

/// Sends `count` entries, with a bar on a terminal. An error says how far it came; the same may be sent again.
Outcome<void> send_entries(const Job& job, ImportBatch& batch, std::int64_t count, const EachEntry& each);

/// What became of them, for people, and what no loaded plugin takes.
void print_outcomes(const ImportBatch& batch, const Screen& screen);
void tell_skipped(const ImportBatch& batch, const Screen& screen);
/// And for programs: {"white": {"added": 1, ...}, ...}.
Value outcomes_value(const ImportBatch& batch);

}  // namespace deferd::ctl
