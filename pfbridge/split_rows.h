// Rows less what is barred. A row that is barred in part is split: into the fewest prefixes that make up the rest. Which these
// are can be said of each prefix by itself, so nothing is stored of it and a change is found by looking at what lies around it:
//
//   P is an entry, if nothing of P is barred and either P is a row,
//   or a row holds it and something of P's parent is barred (else the parent would be one instead).
#pragma once
#include <functional>
#include <optional>
#include <vector>

#include "pfbridge/prefix_rows.h"

namespace deferd::pfbridge {

/// One thread.
class SplitRows {
 public:
  struct Barred {
    std::function<bool(const Prefix&)> any;  ///< Whether any address of it is.
    std::function<bool(const Prefix&)> all;  ///< Whether all are; may say no if it is not one thing that bars them.
  };
  explicit SplitRows(Barred barred) : barred_(std::move(barred)) {}

  PrefixRows& rows() { return rows_; }
  const PrefixRows& rows() const { return rows_; }
  bool is_barred(const Prefix& prefix) const { return barred_.any(prefix); }

  /// The time of an entry: the latest of the rows that it is of. Nothing: it is none.
  std::optional<Time> find(const Prefix& prefix) const;
  /// Each entry, once.
  void each(const std::function<void(const Prefix&)>& use) const;

  /// The largest parts of `prefix` of which nothing is barred: the entries of a row.
  std::vector<Prefix> pieces(const Prefix& prefix) const;
  /// Appends the entries, as things are barred now, that come or go if something of `place` is barred or is not any more: those
  /// within, and where a row is split because of it, those on the way from the row down to it.
  void append_touched(const Prefix& place, std::vector<Prefix>& entries) const;

 private:
  template <class Use>
  void each_piece(const Prefix& prefix, const Use& use) const;

  const Barred barred_;
  PrefixRows rows_;
};

}  // namespace deferd::pfbridge
