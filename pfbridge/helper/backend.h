// One table of one packet filter, as the helper sees it. Each kind is one file: pf's ioctls, pfctl(8), nftables, a file, a
// program.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "pfbridge/helper/entry.h"

namespace deferd::bridge {

/// What came of it. After an error the change may be done in part; asked again, it does the rest.
struct Result {
  std::string error;  ///< Empty: done. For operators: what failed, and what to do about it.
  std::uint32_t changed =
      0;  ///< So many were really added or removed; where the packet filter does not tell, all that were given.

  bool ok() const { return error.empty(); }
  static Result failed(std::string why) { return {std::move(why), 0}; }
};

/// A table that is read piece by piece.
class Reading {
 public:
  virtual ~Reading() = default;
  /// Appends some more entries. `more`: that was not all.
  virtual Result next(std::vector<Entry>& entries, bool& more) = 0;
};

/// One thread. Calls may take as long as the packet filter does, within the backend's own limit of time.
class Backend {
 public:
  virtual ~Backend() = default;

  /// Adds what is not there; both calls are idempotent. Addresses already there are no error, nor are absent ones.
  virtual Result add(std::span<const Row> rows) = 0;
  virtual Result remove(std::span<const Entry> entries) = 0;

  /// Appends all that the table holds now, whoever put it there.
  virtual Result read(std::vector<Entry>& entries) = 0;

  /// The same in pieces, between which the table may be changed: what is changed then may be shown as before or after, and now
  /// and then an entry that was not changed is left out. Null: read() does not take long.
  virtual std::unique_ptr<Reading> begin_reading() { return nullptr; }

  /// Whether the table exists and a rule uses it, as far as that can be known: a misspelt table is often created silently and
  /// then does nothing. Changes nothing.
  virtual Result check() = 0;
};

}  // namespace deferd::bridge
