#include "smtp/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace deferd::smtp {

TimerWheel::TimerWheel(SteadyTime now) : start_(now) {
  for (auto& bucket : buckets_) clear(bucket);
  clear(turned_);
}

TimerWheel::~TimerWheel() { assert(empty()); }

void TimerWheel::link(Ring& ring, Timed& timed) {
  timed.previous_ = ring.previous_;
  timed.next_ = &ring;
  ring.previous_->next_ = &timed;
  ring.previous_ = &timed;
}

void TimerWheel::unlink(Timed& timed) {
  timed.previous_->next_ = timed.next_;
  timed.next_->previous_ = timed.previous_;
  timed.next_ = timed.previous_ = nullptr;
}

void TimerWheel::set(Timed& timed, SteadyTime when) {
  cancel(timed);
  const auto from_start = std::max(when - start_, SteadyTime::duration::zero());
  const auto tick = static_cast<std::uint64_t>((from_start + kTick - SteadyTime::duration(1)) / kTick);
  timed.tick_ = std::max(tick, now_ + 1);
  const auto bucket = timed.tick_ % kBuckets;
  link(buckets_[bucket], timed);
  occupied_[bucket / kWord] |= std::uint64_t{1} << (bucket % kWord);
  ++size_;
}

void TimerWheel::cancel(Timed& timed) {
  if (!timed.waiting()) return;
  unlink(timed);
  --size_;
}

std::uint64_t TimerWheel::ticks_until(SteadyTime now) const {
  return now <= start_ ? 0 : static_cast<std::uint64_t>((now - start_) / kTick);
}

std::optional<std::uint64_t> TimerWheel::next_occupied() const {
  for (std::uint64_t ahead = 1; ahead <= kBuckets;) {
    const auto bucket = (now_ + ahead) % kBuckets;
    const auto rest = occupied_[bucket / kWord] >> (bucket % kWord);
    if (rest != 0) {
      const auto found = ahead + static_cast<std::uint64_t>(std::countr_zero(rest));
      return now_ + found;
    }
    ahead += kWord - bucket % kWord;
  }
  return std::nullopt;
}

std::optional<SteadyTime> TimerWheel::next() const {
  if (empty()) return std::nullopt;
  const auto tick = next_occupied();
  return start_ + kTick * static_cast<std::int64_t>(tick.value_or(now_ + kBuckets));
}

bool TimerWheel::start_turning(std::uint64_t until) {
  const auto tick = next_occupied();
  if (!tick || *tick > until) {
    now_ = std::max(now_, until);
    return false;
  }
  now_ = *tick;
  const auto index = now_ % kBuckets;
  occupied_[index / kWord] &= ~(std::uint64_t{1} << (index % kWord));
  Ring& bucket = buckets_[index];
  if (bucket.next_ == &bucket) return true;
  turned_.next_ = bucket.next_;
  turned_.previous_ = bucket.previous_;
  turned_.next_->previous_ = turned_.previous_->next_ = &turned_;
  clear(bucket);
  return true;
}

Timed* TimerWheel::take_due() {
  while (turned_.next_ != &turned_) {
    Timed& timed = *turned_.next_;
    unlink(timed);
    if (timed.tick_ <= now_) {
      --size_;
      return &timed;
    }
    const auto bucket = timed.tick_ % kBuckets;  // of a later turn
    link(buckets_[bucket], timed);
    occupied_[bucket / kWord] |= std::uint64_t{1} << (bucket % kWord);
  }
  return nullptr;
}

}  // namespace deferd::smtp
