// Everything of the bridge but sockets and threads: the tables are followed, the helpers told, and an operator shown how it
// stands.
#pragma once
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "deferd/plugin.h"
#include "pfbridge/config.h"
#include "pfbridge/follower.h"
#include "pfbridge/leases.h"
#include "pfbridge/link.h"
#include "pfbridge/wanted.h"
#include "pfbridge/watcher.h"

namespace deferd::pfbridge {

/// One thread at a time. Works with what it is lent: a plugin's host dies with the plugin, the bridge lives across reloads.
class Bridge {
 public:
  /// Metrics are made here, so only within a plugin's making.
  Bridge(Settings settings, Host& host);

  /// `watcher` may be null: what helpers tell of connections is not heard. Without a host step() does nothing.
  void lend(Host* host, Watcher* watcher);

  const Settings& settings() const { return settings_; }

  /// One link a helper, and one more to the helper that captures if there is one.
  std::size_t links() const { return links_.size(); }
  Link& link(std::size_t index) { return *links_[index].link; }
  const HelperPlace& place(std::size_t index) const { return links_[index].place; }

  void connected(std::size_t index);
  /// False: hang up; lost() has been called.
  bool receive(std::size_t index, std::string_view bytes);
  void lost(std::size_t index, const std::string& why);

  /// Does what is to be done, and leaves what is to be said in the links' output(). True: there is more to do at once.
  bool step();

  void give_lease(const Address& client, Duration duration);
  /// One that a bridge before this one gave, and counted.
  void take_over_lease(const Address& client, Duration rest) { leases_.give(client, rest, host_->clock()); }
  /// Those that are not over, and for how long.
  std::vector<std::pair<Address, Duration>> running_leases() const { return leases_.running(host_->clock()); }

  /// A map for each table of each helper: helper, table, set, state, and the numbers of SyncStatus.
  std::vector<Value> rows() const;
  /// Each returns how many tables it is about: those that are held and whose helpers are there; all.
  std::uint64_t adopt();
  std::uint64_t read_back();
  bool in_step() const;
  /// Nothing is known of the tables any more, until the next step().
  void clear_gauges();

 private:
  struct Line {
    HelperPlace place;
    std::unique_ptr<Link> link;
    std::string why;  // it is not connected
  };
  struct Meters {
    Gauge& wanted;
    Gauge& present;
    Gauge& pending;
    Gauge& foreign;
    Gauge& held;
    Gauge& lag;
    Gauge& alarm;
    Counter& added;
    Counter& removed;
    std::uint64_t added_so_far = 0, removed_so_far = 0;
  };

  void add_link(HelperPlace place, LinkTables tables);
  void told(const std::string& helper, const std::string& table, const SyncStatus& status);
  bool follow();
  void look_at_sets();
  Result<void> prepare_all();
  Result<void> prepare(const HelperPlace& place, Link::Table& table);
  Result<void> write_positions();
  void look_at_notes();
  void store_said(const Result<void>& result);
  void show_metrics();

  const Settings settings_;
  Host* host_ = nullptr;
  Watcher* watcher_ = nullptr;
  Wanted wanted_;
  Follower follower_;
  Leases leases_;
  std::vector<Line> links_;
  std::uint64_t sets_version_ = 0;
  bool sets_asked_ = false;
  std::shared_ptr<const PrefixSet> black_, exempt_;  // as they were shown to wanted_
  bool store_failing_ = false;
  SteadyTime store_again_ = SteadyTime::min();
  SteadyTime metrics_again_ = SteadyTime::min();
  std::vector<Meters> meters_;  // by Set
  std::vector<Gauge*> connected_gauges_;
  Gauge& leases_gauge_;
  Counter& leases_given_;
  Counter& leases_refused_;
};

}  // namespace deferd::pfbridge
