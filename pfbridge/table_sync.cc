#include "pfbridge/table_sync.h"

#include <algorithm>
#include <limits>

#include "pfbridge/prefixes.h"

namespace deferd::pfbridge {
namespace {

using namespace std::chrono_literals;

constexpr Duration kVerifyAfter = 1min;  // after a repair it is seen whether that worked
constexpr Duration kLongestPause = 1min;
constexpr unsigned kMostPauseDoublings = 6;
Duration pause_after(unsigned failures) {
  return std::min(kLongestPause, Duration{1} * (1 << std::min(failures, kMostPauseDoublings)));
}

constexpr std::size_t kMostRead = 20'000'000;  // more than any packet filter holds

}  // namespace

void TableSync::touch(const Prefix& entry, bool was, SteadyTime now) {
  if (overflowed_) return;
  if (!has_rows(set_) && dirty_.size() >= kMostShown) {
    dirty_.clear();
    there_.clear();
    overflowed_ = true;
    return read_back();
  }
  const bool was_stuck = stuck_.erase(entry) > 0;
  if (dirty_.insert(entry).second && !was_stuck && was) there_.insert(entry);
  if (!dirty_since_) dirty_since_ = now;
}

void TableSync::compare_all() {
  dirty_.clear();
  stuck_.clear();
  there_.clear();
  overflowed_ = true;
  ours_ = false;
  read_back();
}

bool TableSync::adopt() {
  if (held_ == 0) return false;
  adopting_ = true;
  read_back();
  return true;
}

std::optional<bridge::Message> TableSync::next(std::uint8_t table, std::string_view position, SteadyTime now, Time wall) {
  if (doing_ == Doing::to_add) {
    doing_ = Doing::adding;
    return bridge::Add{table, adding_};
  }
  if (doing_ != Doing::nothing || is_idle()) return std::nullopt;
  if (now >= retry_at_) dirty_.merge(stuck_);
  // After it came it is read first of all: most of what it shall hold is there. Later changes go first, as somebody waits.
  if (!reading_ && now >= read_at_ && (!asked_ || dirty_.empty())) return begin_read(table, position);
  if (!asked_ || dirty_.empty()) return std::nullopt;

  take_batch(now, wall);
  if (removing_.empty()) {
    doing_ = Doing::adding;
    return bridge::Add{table, adding_};
  }
  // First what goes: a prefix that is split must make room for its parts.
  doing_ = Doing::removing;
  bridge::Remove remove{table, {}};
  remove.entries.reserve(removing_.size());
  for (const Prefix& entry : removing_) remove.entries.push_back(entry_of(entry));
  return remove;
}

bridge::Message TableSync::begin_read(std::uint8_t table, std::string_view position) {
  reading_ = true;
  clean_ = dirty_.empty() && stuck_.empty();
  position_ = position;
  read_.clear();
  meanwhile_.clear();
  ++reads_;
  return bridge::Read{table};
}

void TableSync::take_batch(SteadyTime now, Time wall) {
  removing_.clear();
  adding_.clear();
  again_ = 0;
  std::size_t count = 0;
  auto entry = dirty_.begin();
  for (; entry != dirty_.end() && count < kBatch; ++entry, ++count) {
    if (reading_) meanwhile_.insert(*entry);
    const bool is_there = there_.erase(*entry) > 0;
    if (const auto until = wanted_.find(set_, *entry)) {
      adding_.push_back({entry_of(*entry), seconds_left(*until, wall)});
      if (is_there) ++again_;
    } else {
      removing_.push_back(*entry);
      suspects_.put(*entry, {});
    }
  }
  dirty_.erase(dirty_.begin(), entry);
  batch_since_ = dirty_since_.value_or(now);
  if (dirty_.empty()) dirty_since_.reset();
  added_ += adding_.size();
  removed_ += removing_.size();
}

std::uint32_t TableSync::seconds_left(Time until, Time wall) const {
  if (until == Time::max()) return 0;
  const auto left = (until - wall).count();
  if (left > std::numeric_limits<std::uint32_t>::max()) return 0;
  return static_cast<std::uint32_t>(std::max<std::int64_t>(left, 60));
}

bool TableSync::take(const bridge::Entries& some) {
  if (!reading_) return false;
  for (const auto& entry : some.entries) read_.push_back(prefix_of(entry));
  return read_.size() <= kMostRead;
}

bool TableSync::take(const bridge::Done& done, SteadyTime now) {
  if (!done.error.empty()) return failed(done, now);
  switch (doing_) {
    case Doing::removing:
      present_ -= std::min<std::uint64_t>(present_, done.changed);
      if (!read_error_.empty())  // nobody will see whether it is so, and they would be remembered for ever
        for (const Prefix& entry : removing_) suspects_.erase(entry);
      doing_ = adding_.empty() ? Doing::nothing : Doing::to_add;
      break;
    case Doing::adding:
      present_ += std::min<std::uint64_t>(done.changed, adding_.size() - again_);
      doing_ = Doing::nothing;
      break;
    case Doing::nothing:
    case Doing::to_add:
      return false;
  }
  if (doing_ != Doing::nothing) return false;
  batch_since_.reset();
  if (!stuck_.empty()) return false;  // an earlier batch failed, and this one says nothing of it
  failures_ = 0;
  return !std::exchange(error_, {}).empty();
}

bool TableSync::take_read(const bridge::Done& done, SteadyTime now) {
  reading_ = false;
  return done.error.empty() ? finished_read(now) : failed_read(done, now);
}

bool TableSync::failed(const bridge::Done& done, SteadyTime now) {
  if (doing_ == Doing::removing) stuck_.insert(removing_.begin(), removing_.end());
  for (const auto& row : adding_) stuck_.insert(prefix_of(row.entry));
  if (batch_since_ && (!dirty_since_ || *batch_since_ < *dirty_since_)) dirty_since_ = batch_since_;
  batch_since_.reset();
  doing_ = Doing::nothing;
  if (now >= retry_at_) retry_at_ = now + pause_after(failures_++);  // else this is one more of the same
  return std::exchange(error_, done.error) != done.error;
}

/// A table that cannot be read back (pfctl of FreeBSD shows no more than net.pf.request_maxcount) is filled all the same.
bool TableSync::failed_read(const bridge::Done& done, SteadyTime now) {
  read_ = {};
  adopting_ = false;
  read_at_ = now + pause_after(read_failures_++);
  if (!std::exchange(asked_, true) || std::exchange(overflowed_, false))
    wanted_.each(set_, [&](const Prefix& entry) { dirty_.insert(entry); });
  if (!dirty_.empty() && !dirty_since_) dirty_since_ = now;
  return std::exchange(read_error_, done.error) != done.error;
}

void TableSync::lost(SteadyTime now) {
  if (doing_ == Doing::removing || doing_ == Doing::to_add || doing_ == Doing::adding) {
    for (const Prefix& entry : removing_) touch(entry, false, now);
    for (const auto& row : adding_) touch(prefix_of(row.entry), false, now);
  }
  doing_ = Doing::nothing;
  batch_since_.reset();
  reading_ = false;
  read_.clear();
  asked_ = known_ = adopting_ = false;
  read_back();
  retry_at_ = SteadyTime::min();
}

/// It is of the batch that is not answered yet. The helper answers in the order of its work: what it has not answered when all is
/// read, it did after that.
bool TableSync::is_under_way(const Prefix& entry) const {
  if (doing_ == Doing::nothing) return false;
  if (doing_ == Doing::removing && std::binary_search(removing_.begin(), removing_.end(), entry)) return true;
  const auto row = std::lower_bound(adding_.begin(), adding_.end(), entry,
                                    [](const bridge::Row& one, const Prefix& other) { return prefix_of(one.entry) < other; });
  return row != adding_.end() && prefix_of(row->entry) == entry;
}

bool TableSync::is_explained(const Prefix& entry, const std::vector<Prefix>& missing) const {
  if ((overflowed_ && ours_) || dirty_.contains(entry) || stuck_.contains(entry) || suspects_.is_within(entry)) return true;
  if (!has_rows(set_) || !wanted_.is_of_row(set_, entry)) return false;
  if (wanted_.is_barred(set_, entry)) return true;
  // A part of a row of which nothing is barred any more. If the whole is missing, it was split, and this is what is left.
  for (int length = entry.length() - 1; length >= 0; --length)
    if (std::binary_search(missing.begin(), missing.end(), Prefix(entry.address(), length))) return true;
  return false;
}

/// Compares what was read with what shall be there. What was sent meanwhile is as if it were sent afterwards.
bool TableSync::finished_read(SteadyTime now) {
  asked_ = known_ = true;
  if (overflowed_) dirty_.merge(std::exchange(meanwhile_, {}));  // it may have changed again, and nobody noted that
  std::sort(read_.begin(), read_.end());
  read_.erase(std::unique(read_.begin(), read_.end()), read_.end());
  const auto index_of = [&](const Prefix& entry) -> std::optional<std::size_t> {
    const auto place = std::lower_bound(read_.begin(), read_.end(), entry);
    if (place == read_.end() || *place != entry) return std::nullopt;
    return static_cast<std::size_t>(place - read_.begin());
  };

  // Of what ended parts may be there, if it was split.
  for (const auto* changed : {&dirty_, &stuck_})
    for (const Prefix& entry : *changed)
      if (!wanted_.find(set_, entry)) suspects_.put(entry, {});

  std::vector<Prefix> missing, gone, unexplained;
  std::vector<bool> is_wanted(read_.size());
  present_ = read_.size();
  wanted_.each(set_, [&](const Prefix& entry) {
    if (const auto index = index_of(entry))
      is_wanted[*index] = true;
    else if (!meanwhile_.contains(entry))
      missing.push_back(entry);
    else if (!is_under_way(entry))
      ++present_;
  });
  std::sort(missing.begin(), missing.end());
  foreign_ = 0;
  for (std::size_t i = 0; i < read_.size(); ++i) {
    if (is_wanted[i]) continue;
    if (meanwhile_.contains(read_[i]))
      present_ -= is_under_way(read_[i]) ? 0 : 1;
    else if (is_explained(read_[i], missing))
      gone.push_back(read_[i]);
    else if (!has_rows(set_) || !rules_.keep_foreign || doubtful_.is_within(read_[i]))
      unexplained.push_back(read_[i]);
    else
      ++foreign_;
  }
  const bool too_many =
      unexplained.size() >= rules_.guard_at_least && unexplained.size() * 100 > rules_.guard_percent * read_.size();
  const bool of_another = distrusted_ && has_rows(set_);
  const auto held_before = held_;
  held_ = adopting_ ? 0 : of_another ? unexplained.size() + foreign_ : too_many ? unexplained.size() : 0;
  adopting_ = overflowed_ = false;
  ours_ = held_ == 0;
  if (held_ == 0) {
    gone.insert(gone.end(), unexplained.begin(), unexplained.end());
    doubtful_.clear();
    distrusted_ = false;
  }

  // What still has to be told of what had changed: an entry that is there may need a new time.
  dirty_.merge(stuck_);
  std::erase_if(
      dirty_, [&](const Prefix& entry) { return !wanted_.find(set_, entry) && !index_of(entry) && !meanwhile_.contains(entry); });
  there_.clear();
  for (const Prefix& entry : dirty_)
    if (wanted_.find(set_, entry) && !std::binary_search(missing.begin(), missing.end(), entry)) there_.insert(entry);
  dirty_.insert(missing.begin(), missing.end());
  dirty_.insert(gone.begin(), gone.end());
  if (dirty_.empty())
    dirty_since_.reset();
  else if (!dirty_since_)
    dirty_since_ = now;
  // A table that changes while it is read may not show all: what was not seen may be there all the same, and is looked for once
  // more.
  doubted_ = !meanwhile_.empty() && !doubted_;
  if (!doubted_) suspects_.clear();
  for (const Prefix& entry : gone) suspects_.put(entry, {});
  for (const Prefix& entry : meanwhile_)
    if (!wanted_.find(set_, entry)) suspects_.put(entry, {});
  meanwhile_.clear();
  if (clean_ && !doubted_ && gone.empty() && held_ == 0) verified_ = position_;

  read_ = {};
  read_failures_ = 0;
  plan_next_read(!missing.empty() || !gone.empty(), now);
  bool was_wrong = !std::exchange(read_error_, {}).empty();
  if (dirty_.empty()) {  // what had failed is there, or not needed any more
    was_wrong = !std::exchange(error_, {}).empty() || was_wrong;
    failures_ = 0;
  }
  return was_wrong || held_before != held_;
}

void TableSync::plan_next_read(bool repaired, SteadyTime now) {
  // A prefix that another one covers may never appear: then it is looked at less and less often.
  verify_after_ = repaired ? std::min(rules_.reconcile, std::max(kVerifyAfter, 2 * verify_after_)) : Duration{};
  read_at_ = now + (repaired ? verify_after_ : rules_.reconcile);
}

SyncStatus TableSync::status(SteadyTime now) const {
  SyncStatus status;
  status.wanted = wanted_.count(set_);
  status.present = present_;
  status.foreign = foreign_;
  status.pending = dirty_.size() + stuck_.size();
  if (doing_ == Doing::removing) status.pending += removing_.size();
  if (doing_ == Doing::removing || doing_ == Doing::to_add || doing_ == Doing::adding) status.pending += adding_.size();
  status.held = held_;
  const auto since = batch_since_ ? batch_since_ : dirty_since_;
  if (since) status.lag = std::chrono::duration_cast<Duration>(now - *since);
  status.error = error_.empty() ? read_error_ : error_;
  return status;
}

}  // namespace deferd::pfbridge
