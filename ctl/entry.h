// A record of a greylister's database, in the terms of spamdb(8): what import and export carry.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/result.h"
#include "deferd/value.h"

namespace deferd::ctl {

/// Times are seconds since 1970.
struct Entry {
  enum class Kind : std::uint8_t { white, grey, trapped, trap };
  Kind kind = Kind::white;
  std::string key;             ///< The client's address or prefix; of a trap its mail address.
  std::string helo, from, to;  ///< Of grey, without <>.
  std::int64_t first = 0;      ///< First seen; 0: now.
  std::int64_t pass = 0;       ///< From when on it is white; of grey that waits the same as `expires`.
  std::int64_t expires = 0;
  std::int64_t blocked = 1;  ///< Times deferred.
  std::int64_t passed = 0;   ///< Connections since.

  bool operator==(const Entry&) const = default;
};

inline constexpr std::int64_t kNever = 253'402'300'799;  ///< The end of the year 9999.

/// `WHITE|192.0.2.7|||1767225600|1767225600|1770336000|1|0`, without a line end. Control characters of strangers become `?`.
std::string spamdb_line(const Entry& entry);

/// The other way. An unescaped `|` within HELO, sender or recipient is understood where the addresses stand in <>. Errors:
/// invalid.
Result<Entry> read_spamdb_line(std::string_view line);

/// How a file that is imported is written.
enum class Format : std::uint8_t { spamdb, list, postgrey, milter_greylist };

struct Damage {
  std::size_t line = 0;
  std::string what;
  bool strangers = false;  ///< A stranger's words made it unreadable (the `|` in a HELO): no reason to refuse the file.
};

/// Reads a whole file and hands over each of its entries. Returns the lines that could not be read.
///
///   spamdb           what spamdb(8) lists
///   list             an address or prefix a line, `#` begins a comment: white for `lasting` seconds from `now` on
///   postgrey         `db_dump -p` (or `db_dump`) of postgrey.db and postgrey_clients.db
///   milter_greylist  its dump file
std::vector<Damage> read_entries(Format format, std::string_view text, std::int64_t now, std::int64_t lasting,
                                 const std::function<void(const Entry&)>& take);

/// What a daemon's row of a table, of grey mail, or of trap addresses is in these terms.
Entry table_entry(Entry::Kind kind, const Value& row);
Entry grey_entry(const Value& row);
Entry trap_entry(const Value& row);

/// The note that keeps what a table has no place for; empty if there is nothing to keep.
std::string entry_note(const Entry& entry);

}  // namespace deferd::ctl
