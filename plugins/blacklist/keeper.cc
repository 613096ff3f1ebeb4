#include "keeper.h"

#include <algorithm>
#include <exception>
#include <numeric>

namespace deferd::blacklist {
namespace {
constexpr auto kLookForDue = std::chrono::seconds(1);  // how often it is seen what is due: the clock may jump

std::vector<std::size_t> white_first(const std::vector<std::shared_ptr<Feed>>& feeds) {
  std::vector<std::size_t> order(feeds.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_partition(order.begin(), order.end(), [&](std::size_t i) { return feeds[i]->spec().white; });
  return order;
}

}  // namespace

Keeper::Keeper(std::vector<std::shared_ptr<Feed>> feeds, std::string folder, Host& host)
    : feeds_(std::move(feeds)), order_(white_first(feeds_)), copies_(std::move(folder)), host_(host) {
  for (const auto& feed : feeds_) {
    const Label label[] = {{"list", feed->spec().name}};
    const Label good[] = {{"list", feed->spec().name}, {"result", "good"}};
    const Label failed[] = {{"list", feed->spec().name}, {"result", "failed"}};
    const auto* refreshes = "deferd_blacklist_refreshes_total";
    const auto* refreshes_help = "Attempts to bring a list up to date.";
    meters_.push_back({host.gauge("deferd_blacklist_entries", label, "Entries of a list that are in use."),
                       host.gauge("deferd_blacklist_alarm", label, "1 while a list is empty, failing or too old."),
                       host.gauge("deferd_blacklist_checked_seconds", label, "When a list was last known to be up to date."),
                       host.counter(refreshes, std::span<const Label>(good), refreshes_help),
                       host.counter(refreshes, std::span<const Label>(failed), refreshes_help)});
  }
}

Keeper::~Keeper() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Keeper::show(std::size_t index) {
  const auto status = feeds_[index]->status();
  meters_[index].entries.set(static_cast<std::int64_t>(status.entries));
  meters_[index].alarm.set(status.alarm() ? 1 : 0);
  meters_[index].checked.set(status.checked.time_since_epoch().count());
}

void Keeper::load_local() {
  std::uint64_t bytes = 0;
  for (const auto i : order_) {
    load_local(i, bytes);
    show(i);
  }
}

/// Unless `bytes`, which were read so far, would become too many.
void Keeper::load_local(std::size_t index, std::uint64_t& bytes) {
  auto& feed = *feeds_[index];
  const auto size = feed.local_size(copies_).value_or(0);  // a file that is not there fails at once
  if (bytes + size > kAtOnce || feed.status().state != FeedState::empty) return;
  bytes += size;
  feed.read_copy(tools());
  if (!feed.spec().source.is_remote() && feed.due(host_.clock().now())) load(index);
}

void Keeper::load(std::size_t index) {
  const auto done = feeds_[index]->refresh(tools());
  if (done || done.error().code != Errc::busy) (done ? meters_[index].good : meters_[index].failed).add();
  show(index);
  loaded_.notify_all();
}

void Keeper::run_due() {
  for (std::size_t i = 0; i < feeds_.size(); ++i) {  // before any server keeps us waiting
    feeds_[i]->drop_if_too_old(tools());
    show(i);
  }
  for (const auto i : order_) {
    if (stop_) return;
    feeds_[i]->read_copy(tools());
    if (feeds_[i]->due(host_.clock().now())) load(i);
    show(i);
  }
}

/// Until it was tried so often. Another configuration's thread may be the one that does it.
bool Keeper::wait_for(const Feed& feed, std::uint32_t rounds) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  std::unique_lock lock(mutex_);
  while (feed.status().rounds < rounds && !stop_) {
    if (std::chrono::steady_clock::now() >= end) return false;
    loaded_.wait_for(lock, std::chrono::milliseconds(100));
  }
  return !stop_;
}

Result<void> Keeper::refresh(std::string_view list) {
  for (std::size_t i = 0; i < feeds_.size(); ++i) {
    auto& feed = *feeds_[i];
    if (feed.spec().name != list) continue;
    const auto rounds = feed.hurry();
    {
      const std::lock_guard lock(mutex_);
      hurried_ = true;
    }
    wake_.notify_all();
    if (!wait_for(feed, rounds)) return fail(Errc::busy, "it takes longer: `deferctl lists` tells how far it is");
    show(i);
    const auto after = feed.status();
    return after.error.empty() ? Result<void>() : fail(Errc::unavailable, after.error);
  }
  return fail(Errc::not_found, "there is no list '" + std::string(list) + "' that could be fetched");
}

void Keeper::start(std::function<void()> looked) {
  looked_ = std::move(looked);
  thread_ = std::thread(&Keeper::run, this);
}

void Keeper::run() {
  while (!stop_) {
    try {
      run_due();
      if (looked_ && !stop_) looked_();
    } catch (const std::exception& error) {
      host_.log().error("blacklist.broken", {{"error", error.what()}});
    }
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kLookForDue, [this] { return stop_ || hurried_; });
    hurried_ = false;
  }
}

}  // namespace deferd::blacklist
