// What the packet filter's tables shall hold: white less what is trapped or listed, trapped, and black.
//
// A white row that is trapped or listed in part is split: into the fewest prefixes that make up the rest. Which these are can be
// said of each prefix by itself, so nothing is stored of it and a change is found by looking at what lies around it:
//
//   P shall be in the table, if nothing of P is barred and either P is a row,
//   or a row holds it and something of P's parent is barred (else the parent would be there instead).
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "deferd/sets.h"
#include "pfbridge/prefix_rows.h"

namespace deferd::pfbridge {

enum class Set : std::uint8_t { white, trapped, black };
inline constexpr std::pair<Set, std::string_view> kSets[] = {
    {Set::white, "white"}, {Set::trapped, "trapped"}, {Set::black, "black"}};
std::string_view to_string(Set set);
std::optional<Set> set_named(std::string_view name);

/// One thread. Work is proportional to what changes, and to what it touches; for a new `black` to the sizes of the old and the
/// new one.
class Wanted {
 public:
  /// Of what an entry is, or until when it is, has changed. Called after the change.
  using Changed = std::function<void(Set, const Prefix&)>;
  explicit Wanted(Changed changed) : changed_(std::move(changed)) {}

  /// Rows of white and trapped.
  void put(Set set, const Prefix& prefix, Time expires);
  /// Tells also of a row that is not known: a scan leaves out what has ended, but the packet filter may hold it still.
  void erase(Set set, const Prefix& prefix);

  /// Not a row, but let in until then all the same; not if it is barred.
  void lease(const Address& client, Time until);
  void end_lease(const Address& client);

  /// Null: not known. Then, and of the next one, only what changes in white is told.
  void show_black(std::shared_ptr<const PrefixSet> black);
  const std::shared_ptr<const PrefixSet>& black() const { return black_; }

  struct Gone {
    Set set;
    Prefix row;
  };
  /// All rows anew, as a scan found them. Does not tell what changed, but returns the rows that are not there any more.
  std::vector<Gone> replace(PrefixRows white, PrefixRows trapped);

  /// Packet filters that can forget an entry by themselves so long after the end of its row, or lease: a net, should we be gone.
  static constexpr Duration kNet = std::chrono::days{7}, kLeaseNet = std::chrono::minutes{1};

  /// Until when the packet filter may keep an entry (Time::max(): for ever); nothing: it shall not be there.
  std::optional<Time> find(Set set, const Prefix& prefix) const;
  /// Each that shall be there, once.
  void each(Set set, const std::function<void(const Prefix&)>& use) const;
  std::uint64_t count(Set set) const;
  /// False of a black that nobody has shown.
  bool is_known(Set set) const { return set != Set::black || black_ != nullptr; }

  /// It is a white row or a part of one, so we may have put it there.
  bool is_of_white_row(const Prefix& prefix) const { return white_.is_within(prefix); }
  /// Some of it is trapped or listed.
  bool is_barred(const Prefix& prefix) const;

 private:
  std::optional<Time> white(const Prefix& prefix) const;
  bool is_barred_whole(const Prefix& prefix) const;  // by one row or entry
  template <class Use>
  void each_piece(const Prefix& prefix, const Use& use) const;
  void each_white(const std::function<void(const Prefix&)>& use) const;
  void touched_by(const Prefix& barred, std::vector<Prefix>& entries) const;
  void change(std::vector<Prefix> entries, const std::function<void()>& make);
  void change_barred(const std::vector<Prefix>& where, const std::function<void()>& flip);
  void tell_black(const PrefixSet& former, const PrefixSet& now) const;

  const Changed changed_;
  PrefixRows white_, trapped_, leases_;
  std::shared_ptr<const PrefixSet> black_;
  std::uint64_t white_count_ = 0;
};

}  // namespace deferd::pfbridge
