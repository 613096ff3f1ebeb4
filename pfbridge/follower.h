// Brings what happens in the shared tables to Wanted: a scan at first, then the feed.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "deferd/tables.h"
#include "pfbridge/wanted.h"

namespace deferd::pfbridge {

/// One thread.
class Follower {
 public:
  explicit Follower(Wanted& wanted) : wanted_(wanted) {}

  struct Step {
    bool more = false;               ///< There is more to do at once.
    bool scanned = false;            ///< All rows were read anew.
    std::vector<Wanted::Gone> gone;  ///< By a scan: rows that were known and are not there.
  };
  /// One bite of work, a few thousand rows or events. Errors: the tables'.
  Result<Step> step(Tables& tables);

  /// How far in the feed Wanted is; empty before the first scan is done.
  const std::string& position() const { return position_; }

 private:
  Result<Step> scan(Tables& tables);
  Result<Step> follow(Tables& tables);

  Wanted& wanted_;
  std::string position_;
  bool scanning_ = false;
  std::string scan_from_;  // what happens from there on is not in the scan
  Set scanned_set_ = Set::white;
  std::string cursor_;
  PrefixRows white_, trapped_;
};

/// What happened to the rows of one table since a position of long ago. Errors: the tables'; cursor_too_old also if the store is
/// another one.
struct Past {
  std::vector<Prefix> over;     ///< Removed or expired; may be there again.
  std::vector<Prefix> renewed;  ///< Added or prolonged.
};
Result<Past> past_of(Tables& tables, std::string_view table, std::string position);

}  // namespace deferd::pfbridge
