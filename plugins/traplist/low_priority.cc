#include "low_priority.h"

#include <algorithm>

namespace deferd::traplist {

bool LowPriority::is_ours(const Address& local) const {
  return std::find(config_.addresses.begin(), config_.addresses.end(), local) != config_.addresses.end();
}

LowPriority::Finding LowPriority::judge(const Address& client, SteadyTime now, bool dry) {
  const std::lock_guard lock(mutex_);
  const auto suspect = suspects_.find(client);
  if (suspect != suspects_.end() && now - suspect->second < kSuspectedFor) {
    const auto accepted = known_.accepted_around(suspect->second);
    if (!accepted) return Finding::suspected;
    if (*accepted) {
      if (!dry) suspects_.erase(suspect);  // what comes after the trap has ended needs new evidence
      return Finding::guilty;
    }
  }
  // The suspicion of before, if there was one, was unfounded; is there reason for a new one?
  const auto accepted = known_.accepted_around(now);
  const bool reason = !accepted || *accepted;
  if (dry) return reason ? Finding::suspected : Finding::innocent;
  if (suspect != suspects_.end()) suspects_.erase(suspect);
  if (!reason) return Finding::innocent;
  if (suspects_.size() >= kMostSuspects) make_room(now);
  suspects_.emplace(client, now);
  ask_now_();
  return Finding::suspected;
}

// To look at all of them at each try would cost a flood of strangers nothing, and us everything.
void LowPriority::make_room(SteadyTime now) {
  if (!swept_ || now - *swept_ >= kSweepEvery) {
    swept_ = now;
    std::erase_if(suspects_, [&](const auto& old) { return now - old.second >= kSuspectedFor; });
  }
  if (suspects_.size() >= kMostSuspects) suspects_.erase(suspects_.begin());  // whoever: doubt means no trap
}

std::size_t LowPriority::suspects() const {
  const std::lock_guard lock(mutex_);
  return suspects_.size();
}

}  // namespace deferd::traplist
