#include "pfbridge/runner.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace deferd::pfbridge {
namespace {

using namespace std::chrono_literals;

constexpr int kLook = 200;                  // milliseconds: how often the tables' feed is looked at
constexpr unsigned kMostWaitDoublings = 5;  // a helper that is not there is looked for every half minute
constexpr int kReadsAtOnce = 16;

}  // namespace

/// What outlives the plugins. Holds nothing alive.
class Runner::Shelf {
 public:
  std::shared_ptr<Runner> take(const Settings& settings, Host& host) {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<Runner>> living;
    for (const auto& one : runners_)
      if (auto runner = one.lock()) living.push_back(std::move(runner));
    if (!living.empty() && living.back()->bridge_.settings() == settings) return living.back();
    auto runner = std::make_shared<Runner>(settings, host);
    runners_.clear();
    for (const auto& former : living) {
      const std::lock_guard its_lock(former->mutex_);
      former->successors_.push_back(runner);
      runners_.push_back(former);
    }
    runners_.push_back(runner);
    return runner;
  }

 private:
  std::mutex mutex_;
  std::vector<std::weak_ptr<Runner>> runners_;  // the newest last: if that is gone, the one before it works again
};

std::shared_ptr<Runner> Runner::of(const Settings& settings, Host& host) {
  auto& place = host.kept("runner");
  if (!place) place = std::make_shared<Shelf>();
  return std::static_pointer_cast<Shelf>(place)->take(settings, host);
}

Runner::Runner(Settings settings, Host& host) : bridge_(std::move(settings), host) {
  for (std::size_t i = 0; i < bridge_.links(); ++i) ways_.push_back({Channel(bridge_.place(i)), SteadyTime::min(), 0});
  if (::pipe2(wake_, O_CLOEXEC | O_NONBLOCK) != 0) throw ErrorException({Errc::io, std::string("pipe: ") + std::strerror(errno)});
  thread_ = std::thread(&Runner::run, this);
}

Runner::~Runner() {
  stop_ = true;
  wake();
  thread_.join();
  if (!successor().expired())
    for (auto& way : ways_) way.channel.close();
  else
    bridge_.clear_gauges();  // if an older one works again, it sets them
  for (const int end : wake_) ::close(end);
}

void Runner::wake() {
  const char byte = 0;
  static_cast<void>(!::write(wake_[1], &byte, 1));  // a full pipe wakes as well
}

// ---- What others call

void Runner::lend(Host& host, Watcher* watcher) {
  const std::lock_guard lock(working_);
  lenders_.push_back({&host, watcher});
  use_lender();
  wake();
}

void Runner::give_back(Host& host) {
  const std::lock_guard lock(working_);
  std::erase_if(lenders_, [&](const Lent& lent) { return lent.host == &host; });
  use_lender();
}

void Runner::use_lender() {
  const auto lent = lenders_.empty() ? Lent{nullptr, nullptr} : lenders_.back();
  bridge_.lend(lent.host, lent.watcher);
}

void Runner::queue(const Lease& lease) {
  const std::lock_guard lock(mutex_);
  if (leases_.size() >= kMostQueued) return;
  leases_.push_back(lease);
  wake();
}

std::vector<Value> Runner::rows() {
  const std::lock_guard lock(working_);
  return bridge_.rows();
}

std::uint64_t Runner::adopt() {
  const std::lock_guard lock(working_);
  wake();
  return bridge_.adopt();
}

std::uint64_t Runner::read_back() {
  const std::lock_guard lock(working_);
  wake();
  return bridge_.read_back();
}

std::weak_ptr<Runner> Runner::successor() const {
  const std::lock_guard lock(mutex_);
  const auto living = [](const auto& one) { return !one.expired(); };
  const auto newest = std::find_if(successors_.rbegin(), successors_.rend(), living);
  return newest == successors_.rend() ? std::weak_ptr<Runner>() : *newest;
}

// ---- The thread

void Runner::run() {
  std::vector<pollfd> wanted;
  while (!stop_) {
    int milliseconds = kLook;
    {
      const std::lock_guard lock(working_);
      try {
        milliseconds = work(wanted);
      } catch (const std::exception& error) {
        if (!lenders_.empty()) lenders_.back().host->log().error("pfbridge.broken", {{"error", error.what()}});
      }
    }
    wait(wanted, milliseconds);
  }
}

void Runner::wait(std::vector<pollfd>& wanted, int milliseconds) {
  wanted.push_back({wake_[0], POLLIN, 0});
  ::poll(wanted.data(), wanted.size(), milliseconds);
  char bytes[256];
  while (::read(wake_[0], bytes, sizeof bytes) > 0) {
  }
}

std::vector<Runner::Lease> Runner::take_leases() {
  const std::lock_guard lock(mutex_);
  return std::exchange(leases_, {});
}

void Runner::give(const Lease& lease) {
  if (lease.counted)
    bridge_.take_over_lease(lease.client, lease.duration);
  else
    bridge_.give_lease(lease.client, lease.duration);
}

/// Another one speaks to the helpers. It gets to know whom to let pass; what else there is to know it finds in the tables.
void Runner::stand_back(const std::weak_ptr<Runner>& successor) {
  std::vector<Lease> leases;
  if (stood_back_for_.owner_before(successor) || successor.owner_before(stood_back_for_)) {
    stood_back_for_ = successor;
    for (std::size_t i = 0; i < ways_.size(); ++i)
      if (ways_[i].channel.is_open()) drop(i, "another configuration's plugin speaks to it");
    for (const auto& [client, rest] : bridge_.running_leases()) leases.push_back({client, rest, true});
    bridge_.clear_gauges();
  }
  for (const auto& lease : take_leases()) {
    give(lease);  // so that it is known here, too, if the other one is not taken after all
    leases.push_back({lease.client, lease.duration, true});
  }
  if (const auto other = successor.lock())
    for (const auto& lease : leases) other->queue(lease);
}

void Runner::drop(std::size_t index, const std::string& why) {
  auto& way = ways_[index];
  way.channel.close();
  way.open_at = lenders_.back().host->clock().steady() + 1s * (1 << way.failures);
  way.failures = std::min(way.failures + 1, kMostWaitDoublings);
  if (bridge_.link(index).is_connected() || !why.empty()) bridge_.lost(index, why);
}

void Runner::serve(std::size_t index, SteadyTime now) {
  auto& way = ways_[index];
  if (!way.channel.is_open()) {
    if (now < way.open_at) return;
    if (auto opened = way.channel.open(lenders_.back().host->commands()); !opened) return drop(index, opened.error().what);
    bridge_.connected(index);
  }
  std::string bytes;
  for (int i = 0; i < kReadsAtOnce; ++i) {
    const auto before = bytes.size();
    const auto got = way.channel.read(bytes);
    if (!got && bytes.empty()) return drop(index, got.error().what);
    if (!got || bytes.size() == before) break;  // the end is met again the next time
  }
  if (bytes.empty()) return;
  if (!bridge_.receive(index, bytes)) return drop(index, {});
  if (bridge_.link(index).is_greeted()) way.failures = 0;
}

void Runner::send(std::size_t index) {
  auto& way = ways_[index];
  if (!way.channel.is_open()) return;
  if (!bridge_.link(index).is_connected()) return drop(index, {});  // it did not answer
  if (auto sent = way.channel.write(bridge_.link(index).output()); !sent) drop(index, sent.error().what);
}

/// Returns how long to wait then, and for what.
int Runner::work(std::vector<pollfd>& wanted) {
  wanted.clear();
  if (lenders_.empty()) return kLook;
  const auto now = lenders_.back().host->clock().steady();
  if (const auto other = successor(); !other.expired()) {
    stand_back(other);
    return kLook;
  }
  stood_back_for_.reset();
  for (const auto& lease : take_leases()) give(lease);
  for (std::size_t i = 0; i < ways_.size(); ++i) serve(i, now);
  const bool more = bridge_.step();
  for (std::size_t i = 0; i < ways_.size(); ++i) {
    send(i);
    if (!ways_[i].channel.is_open()) continue;
    const bool rest = !bridge_.link(i).output().empty();
    wanted.push_back({ways_[i].channel.descriptor(), static_cast<short>(POLLIN | (rest ? POLLOUT : 0)), 0});
  }
  return more ? 0 : kLook;
}

}  // namespace deferd::pfbridge
