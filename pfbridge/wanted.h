// What the packet filter's tables shall hold: white less what is trapped or listed, trapped, black, and who is exempt, who counts
// as neither trapped nor listed.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "deferd/sets.h"
#include "pfbridge/split_rows.h"

namespace deferd::pfbridge {

enum class Set : std::uint8_t { white, trapped, black, exempt };
inline constexpr std::pair<Set, std::string_view> kSets[] = {
    {Set::white, "white"}, {Set::trapped, "trapped"}, {Set::black, "black"}, {Set::exempt, "exempt"}};
/// It is made of the rows of deferd's table of this name; else it is shown as a whole (deferd/sets.h).
inline bool has_rows(Set set) { return set == Set::white || set == Set::trapped; }
std::string_view to_string(Set set);
std::optional<Set> set_named(std::string_view name);

/// One thread. Work is proportional to what changes, and to what it touches; for a set that is shown anew to the sizes of the old
/// and the new one.
class Wanted {
 public:
  /// Of what an entry is, or until when it is, has changed. Called after the change; `was`: it was an entry before.
  using Changed = std::function<void(Set, const Prefix&, bool was)>;
  explicit Wanted(Changed changed);
  Wanted(const Wanted&) = delete;
  Wanted& operator=(const Wanted&) = delete;

  /// Rows of white and trapped.
  void put(Set set, const Prefix& prefix, Time expires);
  /// Tells also of a row that is not known: a scan leaves out what has ended, but the packet filter may hold it still.
  void erase(Set set, const Prefix& prefix);

  /// Not a row, but let in until then all the same; not if it is barred.
  void lease(const Address& client, Time until);
  void end_lease(const Address& client);

  /// Who is listed and who is exempt. Null: not known; nobody. Of a set that was not known, and of one after such, only
  /// what changes in white and trapped is told.
  void show(std::shared_ptr<const PrefixSet> black, std::shared_ptr<const PrefixSet> exempt);

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
  /// False of black and exempt while nobody shows them.
  bool is_known(Set set) const { return has_rows(set) || shown(set) != nullptr; }

  /// It is a row of white or trapped, or a part of one, so we may have put it there.
  bool is_of_row(Set set, const Prefix& prefix) const { return rows_of(set).rows().is_within(prefix); }
  /// Some of it may not be in the table of white or trapped, whatever rows there are.
  bool is_barred(Set set, const Prefix& prefix) const { return rows_of(set).is_barred(prefix); }

 private:
  const SplitRows& rows_of(Set set) const { return set == Set::white ? white_ : trapped_; }
  SplitRows& rows_of(Set set) { return set == Set::white ? white_ : trapped_; }
  const PrefixSet* shown(Set set) const { return set == Set::black ? black_.get() : exempt_.get(); }
  bool is_exempt(const Prefix& prefix) const { return exempt_ && exempt_->overlaps(prefix); }
  bool is_exempt_whole(const Prefix& prefix) const;
  bool is_trapped(const Prefix& prefix) const;
  bool is_trapped_or_listed(const Prefix& prefix) const;
  bool is_trapped_or_listed_whole(const Prefix& prefix) const;
  std::optional<Time> white(const Prefix& prefix) const;
  void change(Set set, std::vector<Prefix> entries, const std::function<void()>& make);
  void change_barred(const std::vector<Prefix>& where, std::vector<Prefix> trapped, const std::function<void()>& flip);
  void tell(Set set, const PrefixSet& former, const PrefixSet& now) const;

  const Changed changed_;
  SplitRows white_, trapped_;
  PrefixRows leases_;
  std::shared_ptr<const PrefixSet> black_;  // less exempt_
  std::shared_ptr<const PrefixSet> exempt_;
  std::array<std::uint64_t, 2> counts_{};  // of white and trapped
};

}  // namespace deferd::pfbridge
