// What outlives a reload: lists that the old and the new configuration both want are not fetched again.
#pragma once
#include <algorithm>
#include <memory>
#include <mutex>
#include <vector>

#include "config_port.h"
#include "deferd/host.h"
#include "feed.h"

namespace deferd::blacklist {

/// Holds nothing alive: lists that no configuration wants any longer are gone with the last plugin that used them. Any thread.
class Shelf {
 public:
  /// The one of this instance of the plugin.
  static std::shared_ptr<Shelf> of(Host& host) {
    auto& place = host.kept("lists");
    if (!place) place = std::make_shared<Shelf>();
    return std::static_pointer_cast<Shelf>(place);
  }

  std::shared_ptr<Feed> feed(const FeedSpec& spec) {
    const std::lock_guard lock(mutex_);
    std::erase_if(feeds_, [](const auto& feed) { return feed.expired(); });
    std::shared_ptr<Feed> wanted;
    for (const auto& weak : feeds_)
      if (auto feed = weak.lock(); feed && feed->spec() == spec) wanted = std::move(feed);
    if (!wanted) feeds_.push_back(wanted = std::make_shared<Feed>(spec));
    for (const auto& weak : feeds_)  // of one name only the last that was wanted writes the copy
      if (auto feed = weak.lock(); feed && feed->spec().name == spec.name) feed->give_way_to(feed == wanted ? nullptr : wanted);
    return wanted;
  }

  /// Errors: io.
  Result<std::shared_ptr<ConfigSocket>> socket(const PortAddress& address) {
    const std::lock_guard lock(mutex_);
    if (auto socket = socket_.lock(); socket && socket->asked_for() == address) return socket;
    auto opened = ConfigSocket::open(address);
    if (opened) socket_ = *opened;
    return opened;
  }

 private:
  std::mutex mutex_;
  std::vector<std::weak_ptr<Feed>> feeds_;
  std::weak_ptr<ConfigSocket> socket_;
};

}  // namespace deferd::blacklist
