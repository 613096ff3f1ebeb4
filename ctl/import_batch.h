// Entries on their way into the daemon, many at a time.
#pragma once
#include <cstdint>
#include <string>

#include "ctl/daemon.h"
#include "ctl/entry.h"

namespace deferd::ctl {

/// What became of the entries of one kind.
struct Outcomes {
  std::int64_t added = 0, kept = 0, expired = 0;
  std::int64_t skipped = 0;  ///< No loaded plugin takes them.
  std::int64_t all() const { return added + kept + expired; }
};

class ImportBatch {
 public:
  struct Settings {
    std::string source = "import";  ///< Who the rows of tables are by.
    bool dry = false;               ///< Nothing is written.
    bool replace = false;           ///< Rows take the place of those that last longer.
  };
  ImportBatch(const Daemon& daemon, Settings settings) : daemon_(daemon), settings_(std::move(settings)) { begin(); }

  Outcome<void> add(const Entry& entry);  ///< May send what is there.
  Outcome<void> send();                   ///< What is left.

  const Outcomes& of(Entry::Kind kind) const { return outcomes_[static_cast<std::size_t>(kind)]; }
  std::int64_t sent() const { return sent_; }

 private:
  void begin();

  static constexpr std::size_t kMostBytes = 60'000;  // the daemon takes 64 KiB at a time

  const Daemon& daemon_;
  const Settings settings_;
  Value rows_of_[4];  // by kind
  std::size_t bytes_ = 0, rows_ = 0;
  std::int64_t sent_ = 0, parts_ = 0;
  Outcomes outcomes_[4];
};

/// The member of the daemon's question and answer.
std::string_view member_of(Entry::Kind kind);

}  // namespace deferd::ctl
