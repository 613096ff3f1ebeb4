// One list as it is at the moment: its addresses, where they came from, and what went wrong since.
#pragma once
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "copies.h"
#include "deferd/host.h"
#include "deferd/swapped.h"
#include "intake.h"
#include "source.h"

namespace deferd::blacklist {

/// What a feed works with; of the plugin that asks, as feeds outlive plugins.
struct Tools {
  const Clock& clock;
  Log& log;
  const Copies& copies;
  const std::atomic<bool>& stop;
  Commands& commands;
};

enum class FeedState : std::uint8_t {
  empty,    ///< Nothing was loaded yet.
  good,     ///< In use, and as new as it should be.
  failing,  ///< In use, but what came last was refused or did not come.
  too_old   ///< Nothing confirmed it for max_age. Not in use any more; a white list is.
};
std::string_view to_string(FeedState state);

struct FeedStatus {
  FeedState state = FeedState::empty;
  std::uint64_t entries = 0, prefixes = 0, memory = 0, bad = 0, warned = 0;
  Coverage coverage;
  std::vector<std::string> remarks;  ///< On lines of the list in use.
  Time fetched{};                    ///< When its content came.
  Time checked{};                    ///< When it was last known to be what the source holds.
  Time next{};                       ///< When it is looked at again.
  std::string error;                 ///< Of the last attempt; empty if it went well.
  std::uint32_t rounds = 0;          ///< Attempts so far.
  bool loading = false;
  std::uint64_t bytes = 0, total = 0;  ///< How far; while loading.

  bool alarm() const { return state != FeedState::good; }
};

/// Any thread may ask; loads of one feed happen one at a time, and asking never waits for them. Shared by the plugins of an old
/// and a new configuration if they want the same.
class Feed {
 public:
  explicit Feed(FeedSpec spec) : spec_(std::move(spec)) {}

  const FeedSpec& spec() const { return spec_; }
  bool contains(const Address& client) const { return set_.read()->contains(client); }
  PrefixSet set() const { return *set_.read(); }   ///< Shares it.
  bool was_loaded() const { return was_loaded_; }  ///< There was content once, of this run or of the copy.
  FeedStatus status() const;
  bool due(Time now) const;
  std::uint32_t hurry();  ///< It is due, whatever the time. Returns what FeedStatus::rounds is when that is done.
  /// Another of this name writes the copy now, for as long as it lives; null: this one does.
  void give_way_to(const std::shared_ptr<Feed>& other);
  /// Bytes that reading it from this machine's disk would cost; nothing if it comes from elsewhere and there is no copy.
  std::optional<std::uint64_t> local_size(const Copies& copies) const;

  /// Takes the last good copy, if it is of this source and not too old (or of a white list). Does nothing the second time, or
  /// when there is content.
  void read_copy(const Tools& tools);

  /// Fetches, checks, and swaps in what came; otherwise the former content stays, and the error is logged if it is another than
  /// before. Errors: busy (it is being loaded just now), and what was wrong.
  Result<void> refresh(const Tools& tools);

  /// When nothing confirmed it for max_age: empties it and makes it due. A white list stays in use: without it others would turn
  /// away whom it protects.
  void drop_if_too_old(const Tools& tools);

  /// The first line that lists `client`, in the file or in the last good copy; nothing if that cannot be said.
  std::optional<Place> find(const Address& client, const Copies& copies) const;

 private:
  Result<void> load(const Tools& tools);
  void keep_copy(const Tools& tools, NewCopy& copy, Time fetched, Time checked);
  void confirm(const Tools& tools, NewCopy& copy, Time now);
  bool is_superseded() const;
  bool is_too_old(Time now) const;  ///< And was not said to be.
  void use(Content content, Time fetched, Time checked);
  Duration pause(std::uint32_t failures) const;  ///< Under mutex_.

  const FeedSpec spec_;
  Swapped<PrefixSet> set_;
  std::atomic<bool> was_loaded_{false};
  Progress progress_;
  std::mutex working_;  // held for a load
  // Of whoever holds working_:
  Validators known_;
  std::string digest_;
  bool copy_read_ = false;
  bool copy_missing_ = false;  // what is in use is not what the copy holds
  std::uint32_t failures_ = 0;

  mutable std::mutex mutex_;  // for what follows
  FeedStatus status_;
  bool hurried_ = false;
  std::weak_ptr<Feed> successor_;
};

}  // namespace deferd::blacklist
