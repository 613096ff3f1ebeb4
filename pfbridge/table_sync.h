// One table of one helper, kept as Wanted says: what has changed is sent in batches, what the table holds is read back and
// compared. No sockets, no clocks: it is told what came and what time it is.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "pfbridge/helper/wire.h"
#include "pfbridge/wanted.h"

namespace deferd::pfbridge {

/// What an operator decided for all tables.
struct SyncRules {
  bool keep_foreign = true;
  Duration reconcile = std::chrono::hours{1};
  unsigned guard_percent = 10;
  std::uint64_t guard_at_least = 50;
  bool operator==(const SyncRules&) const = default;
};

struct SyncStatus {
  std::uint64_t wanted = 0;
  std::uint64_t present = 0;   ///< As read back, and changed since.
  std::uint64_t foreign = 0;   ///< Of these: neither wanted nor ours, and left alone.
  std::uint64_t pending = 0;   ///< Entries still to be sent, or not answered yet.
  std::uint64_t held = 0;      ///< Entries that the guard keeps until `adopt` says what they are.
  std::chrono::seconds lag{};  ///< For how long the oldest change waits.
  std::string error;           ///< What is wrong now; empty if nothing.
};

/// One thread.
///
/// An entry of the table that is not wanted is removed if we put it there: because an event said that it is over, because we
/// removed it before (a helper that says `done` is not believed until it was read back), or because it is of a row of white or
/// trapped and barred, or what is left of one that was split. Anything else is *foreign*, and stays unless keep_foreign is off;
/// of black and exempt nothing is foreign. What would be removed without such a reason is counted, and if it is more than the
/// guard allows, it stays and is told as `held`. If nothing is known of what we did before (distrust()), all that is not
/// explained is held, also what would be foreign: an operator has to say that it is not ours.
class TableSync {
 public:
  static constexpr std::size_t kBatch = 4096;
  static constexpr std::size_t kMostShown = 100'000;  ///< More changes of black or exempt at once are found by reading back.

  TableSync(Set set, const Wanted& wanted, SyncRules rules) : set_(set), wanted_(wanted), rules_(rules) {}

  Set set() const { return set_; }

  /// Of `entry` something has changed. Its last state counts. `was`: before that it was to be in the table.
  void touch(const Prefix& entry, bool was, SteadyTime now);
  void suspect(const Prefix& row) { suspects_.put(row, {}); }  ///< A row was once, of before we began: its entries are ours.
  void doubt(const Prefix& row) { doubtful_.put(row, {}); }    ///< It was a row, and is none: nobody said why.
  void distrust() { distrusted_ = true; }                      ///< The store is not the one that filled the table.
  void read_back() { read_at_ = SteadyTime::min(); }           ///< As soon as nothing is under way.
  /// What it shall hold was not known before: there are no changes, only what a reading finds.
  void compare_all();
  /// Reads back, and removes what the guard kept. False: it keeps nothing. Void if the helper goes before that, or cannot.
  bool adopt();

  /// The next request, if there is one: one change and one reading may be under way at a time. `position` is how far in the
  /// tables' feed Wanted is.
  std::optional<bridge::Message> next(std::uint8_t table, std::string_view position, SteadyTime now, Time wall);
  /// False: no table has so many.
  bool take(const bridge::Entries& some);
  /// Of a change, and of a reading. True if something became wrong or right, or is held or not held any more: status() tells.
  bool take(const bridge::Done& done, SteadyTime now);
  bool take_read(const bridge::Done& done, SteadyTime now);
  /// The helper is gone: nobody knows what became of the request under way.
  void lost(SteadyTime now);

  /// A position up to which all that was removed was seen to be gone; once each.
  std::optional<std::string> verified() { return std::exchange(verified_, std::nullopt); }

  SyncStatus status(SteadyTime now) const;
  /// Nobody shows what it shall hold, so it is left alone.
  bool is_idle() const { return !wanted_.is_known(set_); }
  bool in_step() const {
    return is_idle() || (known_ && doing_ == Doing::nothing && !reading_ && dirty_.empty() && stuck_.empty());
  }

  /// Entries sent so far, for tests and metrics.
  std::uint64_t added() const { return added_; }
  std::uint64_t removed() const { return removed_; }
  std::uint64_t reads() const { return reads_; }

 private:
  enum class Doing : std::uint8_t { nothing, removing, to_add, adding };

  bridge::Message begin_read(std::uint8_t table, std::string_view position);
  void take_batch(SteadyTime now, Time wall);
  bool failed(const bridge::Done& done, SteadyTime now);
  bool failed_read(const bridge::Done& done, SteadyTime now);
  bool finished_read(SteadyTime now);
  bool is_under_way(const Prefix& entry) const;
  bool is_explained(const Prefix& entry, const std::vector<Prefix>& missing) const;
  void plan_next_read(bool repaired, SteadyTime now);
  std::uint32_t seconds_left(Time until, Time wall) const;

  const Set set_;
  const Wanted& wanted_;
  const SyncRules rules_;

  std::set<Prefix> dirty_;  // to be sent
  std::set<Prefix> stuck_;  // failed; tried again at retry_at_
  std::set<Prefix> there_;  // of these: they are in the table, and are sent for another time
  PrefixRows suspects_, doubtful_;

  Doing doing_ = Doing::nothing;
  std::vector<Prefix> removing_;
  std::vector<bridge::Row> adding_;
  std::size_t again_ = 0;  // so many of adding_ are there already: not all packet filters tell how many really came
  bool reading_ = false;
  std::vector<Prefix> read_;
  std::set<Prefix> meanwhile_;  // sent since the reading began: it may show them as before or after

  bool asked_ = false;  // since the helper came it was tried to read the table back
  bool known_ = false;  // and that went well
  bool distrusted_ = false;
  bool adopting_ = false;
  bool clean_ = false;       // when it was read: nothing was pending
  bool doubted_ = false;     // the last reading was disturbed, so what it did not show was not believed to be gone
  bool overflowed_ = false;  // black or exempt has changed by more than is kept in dirty_
  bool ours_ = false;        // it was read since it is known, and nothing was held: what it held went by our changes
  std::string position_;
  std::optional<std::string> verified_;

  SteadyTime read_at_ = SteadyTime::min();
  SteadyTime retry_at_ = SteadyTime::min();
  std::optional<SteadyTime> dirty_since_, batch_since_;
  Duration verify_after_{};
  unsigned failures_ = 0, read_failures_ = 0;
  std::string error_, read_error_;

  std::uint64_t present_ = 0, foreign_ = 0, held_ = 0;
  std::uint64_t added_ = 0, removed_ = 0, reads_ = 0;
};

}  // namespace deferd::pfbridge
