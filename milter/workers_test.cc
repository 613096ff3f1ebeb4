#include "milter/workers.h"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <future>
#include <latch>

#include "deferd/testing/fake_log.h"

namespace deferd {
namespace {

using namespace std::chrono_literals;

class WatchedGauge : public Gauge {
 public:
  void set(std::int64_t value) noexcept override {
    const std::lock_guard lock(mutex_);
    value_ = value;
    most_ = std::max(most_, value);
    if (most_ > value) least_afterwards_ = std::min(least_afterwards_, value);
    changed_.notify_all();
  }
  bool becomes(std::int64_t value) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 60s, [&] { return value_ == value; });
  }
  std::int64_t least_afterwards() {
    const std::lock_guard lock(mutex_);
    return least_afterwards_;
  }
  std::int64_t most() {
    const std::lock_guard lock(mutex_);
    return most_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::int64_t value_ = 0, most_ = 0, least_afterwards_ = 1000;
};

class WorkersTest : public testing::Test {
 protected:
  /// A handler that may block, as the milter's are.
  template <class Work>
  void post(Work work) {
    net::post(io, [work = std::move(work)]() mutable {
      const Workers::Step step;
      work();
    });
  }

  net::io_context io;
  WatchedGauge gauge;
  FakeLog log;
};

TEST_F(WorkersTest, AreMoreWhenAllAreStuck) {
  Workers workers(io, gauge, log);
  workers.start(2);
  std::latch release(1);
  std::promise<void> served;
  for (int i = 0; i < 20; ++i) post([&] { release.wait(); });
  post([&] { served.set_value(); });
  EXPECT_EQ(served.get_future().wait_for(60s), std::future_status::ready);
  EXPECT_GT(workers.size(), 20u);
  release.count_down();
  workers.stop();
}

TEST_F(WorkersTest, AreNoMoreForMereLoad) {
  Workers workers(io, gauge, log);
  workers.start(2);
  const auto end = std::chrono::steady_clock::now() + 500ms;
  std::latch done(8);
  std::function<void()> burn = [&] {
    const auto pause = std::chrono::steady_clock::now() + 3ms;
    while (std::chrono::steady_clock::now() < pause) {
    }
    if (std::chrono::steady_clock::now() < end)
      post(burn);
    else
      done.count_down();
  };
  for (int i = 0; i < 8; ++i) post(burn);
  done.wait();
  EXPECT_EQ(gauge.most(), 2);
}

TEST_F(WorkersTest, LeaveWhenTheyAreNoLongerNeeded) {
  Workers workers(io, gauge, log, 1ms);
  workers.start(2);
  std::latch release(1);
  for (int i = 0; i < 5; ++i) post([&] { release.wait(); });
  post([&] { release.count_down(); });
  release.wait();
  EXPECT_TRUE(gauge.becomes(2));
  EXPECT_GT(gauge.most(), 5);
  std::promise<void> served;
  post([&] { served.set_value(); });
  EXPECT_EQ(served.get_future().wait_for(60s), std::future_status::ready);
}

TEST_F(WorkersTest, AreNeverFewerThanAtTheStartHoweverSlowlyTheOthersLeave) {
  Workers workers(io, gauge, log, 1ms);
  workers.start(2);
  std::latch all_stuck(6), release(1);
  for (int i = 0; i < 6; ++i)
    post([&] {
      all_stuck.count_down();
      release.wait();
    });
  all_stuck.wait();
  // No thread has time to leave, while to the supervisor all is calm.
  std::latch busy(1);
  for (std::size_t i = 0; i < 2 * Workers::kMost; ++i) net::post(io, [&] { busy.wait(); });
  release.count_down();
  std::this_thread::sleep_for(2s);  // longer than it takes to be told to leave
  busy.count_down();
  EXPECT_TRUE(gauge.becomes(2));
  std::promise<void> served;
  post([&] { served.set_value(); });
  EXPECT_EQ(served.get_future().wait_for(60s), std::future_status::ready);
  EXPECT_EQ(gauge.least_afterwards(), 2);
  workers.stop();
}

TEST_F(WorkersTest, OutliveWhatAHandlerThrows) {
  Workers workers(io, gauge, log);
  workers.start(2);
  for (int i = 0; i < 4; ++i) post([] { throw std::runtime_error("a fault"); });
  std::promise<void> served;
  post([&] { served.set_value(); });
  EXPECT_EQ(served.get_future().wait_for(60s), std::future_status::ready);
  workers.stop();
  EXPECT_EQ(log.count("a fault"), 4u);
}

}  // namespace
}  // namespace deferd
