// What spamd knows in its database, together with what the packet filter lets pass by its tables.
#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/entry.h"
#include "deferd/address.h"

namespace deferd::ctl {

/// Members of a table of pf.
struct PfTable {
  std::vector<Prefix> members;
  std::size_t left_out = 0;  ///< Negated ones, and names that are no addresses.
};

/// As `pfctl -t NAME -T show` prints them, also with -v, or as a file has them that pf reads: words, `#` comments.
PfTable read_pf_table(std::string_view text);

/// Finds clients that are white to spamd though no WHITE record says so.
class SpamdState {
 public:
  /// Of a client that becomes white by it: from `now` on, for `white_time` seconds.
  SpamdState(std::int64_t now, std::int64_t white_time) : now_(now), white_time_(white_time) {}

  void add(const Entry& entry);            ///< A record of the database.
  void add_passing(const Prefix& client);  ///< A member of the table <spamd-white>.
  std::int64_t records(Entry::Kind kind) const { return records_[static_cast<std::size_t>(kind)]; }

  /// The records that the database lacks. Mail that passed makes its client white at spamd's next look through the database; a
  /// member of the table that is not trapped passes now. None of them may be greylisted again.
  std::vector<Entry> missing() const;

 private:
  const std::int64_t now_, white_time_;
  std::int64_t records_[4] = {};
  std::set<Prefix> white_, trapped_, passing_;
  std::map<Prefix, Entry> passed_;  // grey mail that has waited
};

}  // namespace deferd::ctl
