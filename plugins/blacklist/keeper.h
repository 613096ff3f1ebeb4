// Keeps a plugin's lists fresh, on a thread of its own.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "feed.h"

namespace deferd::blacklist {

class Keeper {
 public:
  /// Metrics are made here.
  Keeper(std::vector<std::shared_ptr<Feed>> feeds, std::string folder, Host& host);
  ~Keeper();  ///< Ends what is being fetched.
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  /// Loads what this machine's disk holds, as far as it can be had at once (kAtOnce bytes); the rest is the thread's. Never waits
  /// for a network or a program.
  void load_local();
  /// `looked` is called on the thread each time it has looked at all lists.
  void start(std::function<void()> looked = {});

  /// Whatever is due now; what the thread does again and again.
  void run_due();

  /// Has the thread look at it now, and waits for what comes of it. Errors: not_found; busy, when that takes longer than
  /// kPatience; and what was wrong.
  Result<void> refresh(std::string_view list);

  const std::vector<std::shared_ptr<Feed>>& feeds() const { return feeds_; }
  const Copies& copies() const { return copies_; }

 private:
  static constexpr std::uint64_t kAtOnce = 32 << 20;
  static constexpr auto kPatience = std::chrono::seconds(30);

  Tools tools() { return {host_.clock(), host_.log(), copies_, stop_, host_.commands()}; }
  void load(std::size_t index);
  void load_local(std::size_t index, std::uint64_t& bytes);
  void show(std::size_t index);
  bool wait_for(const Feed& feed, std::uint32_t rounds);
  void run();

  struct Meters {
    Gauge& entries;
    Gauge& alarm;
    Gauge& checked;
    Counter& good;
    Counter& failed;
  };

  const std::vector<std::shared_ptr<Feed>> feeds_;
  const std::vector<std::size_t> order_;  // in which they are loaded: white ones first, as others are not used before
  const Copies copies_;
  Host& host_;
  std::vector<Meters> meters_;
  std::function<void()> looked_;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  bool hurried_ = false;  // under mutex_
  std::condition_variable wake_;
  std::condition_variable loaded_;
  std::thread thread_;
};

}  // namespace deferd::blacklist
