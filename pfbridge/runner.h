// The bridge's thread and its ways to the helpers. No hook ever waits for it.
#pragma once
#include <poll.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "pfbridge/bridge.h"
#include "pfbridge/channel.h"

namespace deferd::pfbridge {

/// Shared by the plugins of an old and a new configuration, if both want the same: then a reload disturbs nothing. If not, the
/// new one's is served and the old one's waits, in case that the new configuration is not taken after all.
class Runner {
 public:
  /// The one for `settings` of this instance of the plugin; within a plugin's making.
  static std::shared_ptr<Runner> of(const Settings& settings, Host& host);

  Runner(Settings settings, Host& host);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  /// Whoever lent last is used, until it is given back; that waits for what is being done with it.
  void lend(Host& host, Watcher* watcher);
  void give_back(Host& host);

  /// From hooks: never waits.
  void lease(const Address& client, Duration duration) { queue({client, duration, false}); }

  std::vector<Value> rows();
  std::uint64_t adopt();
  std::uint64_t read_back();

 private:
  struct Way {
    Channel channel;
    SteadyTime open_at = SteadyTime::min();
    unsigned failures = 0;
  };
  struct Lease {
    Address client;
    Duration duration;
    bool counted;  // by whom it was given before
  };
  struct Lent {
    Host* host;
    Watcher* watcher;
  };
  class Shelf;

  void run();
  void wait(std::vector<pollfd>& wanted, int milliseconds);
  void wake();
  int work(std::vector<pollfd>& wanted);
  void serve(std::size_t index, SteadyTime now);
  void send(std::size_t index);
  void drop(std::size_t index, const std::string& why);
  void queue(const Lease& lease);
  std::vector<Lease> take_leases();
  void give(const Lease& lease);
  std::weak_ptr<Runner> successor() const;
  void stand_back(const std::weak_ptr<Runner>& successor);
  void use_lender();

  static constexpr std::size_t kMostQueued = 10'000;

  std::mutex working_;  // for what follows, and while a lent host is used
  Bridge bridge_;
  std::vector<Lent> lenders_;
  std::vector<Way> ways_;
  std::weak_ptr<Runner> stood_back_for_;  // who was told of the running leases

  mutable std::mutex mutex_;  // for what follows
  std::vector<Lease> leases_;
  std::vector<std::weak_ptr<Runner>> successors_;  // while one of them lives, it is the one that works

  std::atomic<bool> stop_{false};
  int wake_[2] = {-1, -1};
  std::thread thread_;
};

}  // namespace deferd::pfbridge
