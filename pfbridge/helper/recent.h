// What was dealt with lately, so that a burst of the same is dealt with once. Memory is bounded: when there is too much to
// remember, the older half is forgotten early, which costs a repetition and nothing else.
#pragma once
#include <chrono>
#include <cstddef>
#include <set>
#include <utility>

namespace deferd::bridge {

/// Remembers a key for at least `span` and at most twice that. One thread.
template <class Key>
class Recent {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Up to `most` keys of one span are kept, so twice as many in all.
  Recent(std::chrono::seconds span, std::size_t most) : span_(span), most_(most) {}

  bool contains(const Key& key, Time now) {
    turn(now);
    return newer_.contains(key) || older_.contains(key);
  }
  void add(Key key, Time now) {
    turn(now);
    newer_.insert(std::move(key));
  }

 private:
  void turn(Time now) {
    if (now - turned_ < span_ && newer_.size() < most_) return;
    older_.clear();
    if (now - turned_ < 2 * span_) older_.swap(newer_);
    newer_.clear();
    turned_ = now;
  }

  const std::chrono::seconds span_;
  const std::size_t most_;
  Time turned_{};
  std::set<Key> newer_, older_;
};

}  // namespace deferd::bridge
