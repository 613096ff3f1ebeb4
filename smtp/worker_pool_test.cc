#include "smtp/worker_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <list>
#include <vector>

namespace deferd::smtp {
namespace {

using namespace std::chrono_literals;

TEST(WorkerPool, DoesEveryJob) {
  std::atomic<int> done = 0;
  WorkerPool pool(3);
  for (int i = 0; i < 10'000; ++i) pool.post([&done] { ++done; });
  EXPECT_TRUE(pool.wait_until_idle(20s));
  EXPECT_EQ(done, 10'000);
}

TEST(WorkerPool, DoesJobsOfManyThreads) {
  std::atomic<int> done = 0;
  WorkerPool pool(4);
  std::vector<std::thread> posters;
  for (int i = 0; i < 4; ++i)
    posters.emplace_back([&] {
      for (int job = 0; job < 2'000; ++job) pool.post([&done] { ++done; });
    });
  for (auto& poster : posters) poster.join();
  EXPECT_TRUE(pool.wait_until_idle(20s));
  EXPECT_EQ(done, 8'000);
}

TEST(WorkerPool, UsesAllItsThreadsWhenJobsDoNotComeBack) {
  constexpr int kThreads = 4;
  WorkerPool pool(kThreads);
  std::promise<void> go;
  const auto gone = go.get_future().share();
  std::atomic<int> inside = 0;
  std::promise<void> all;
  for (int i = 0; i < kThreads; ++i)
    pool.post([&, gone] {
      if (++inside == kThreads) all.set_value();
      gone.wait();
    });
  EXPECT_EQ(all.get_future().wait_for(20s), std::future_status::ready);
  EXPECT_FALSE(pool.wait_until_idle(1ms));
  go.set_value();
  EXPECT_TRUE(pool.wait_until_idle(20s));
}

TEST(WorkerPool, LeavesAQuarterOfItsThreadsToUrgentJobs) {
  WorkerPool pool(4);
  std::promise<void> go;
  const auto gone = go.get_future().share();
  std::atomic<int> patient = 0;
  const auto begin = [&] {
    pool.post(
        [&, gone] {
          ++patient;
          gone.wait();
        },
        WorkerPool::Kind::patient);
  };
  for (int i = 0; i < 8; ++i) begin();
  for (int i = 0; i < 10; ++i) {
    std::promise<void> done;
    pool.post([&done] { done.set_value(); });
    EXPECT_EQ(done.get_future().wait_for(20s), std::future_status::ready);
  }
  EXPECT_LE(patient, 3);
  go.set_value();
  EXPECT_TRUE(pool.wait_until_idle(20s));
  EXPECT_EQ(patient, 8);
}

TEST(WorkerPool, WakesWhoFellAsleepLast) {
  constexpr int kThreads = 4;
  WorkerPool pool(kThreads);
  std::promise<void> go;
  const auto gone = go.get_future().share();
  std::atomic<int> inside = 0;
  for (int i = 0; i < kThreads; ++i)
    pool.post([&, gone] {
      if (++inside == kThreads) go.set_value();
      gone.wait();
    });
  EXPECT_TRUE(pool.wait_until_idle(20s));  // so all have begun, and are asleep
  const auto who = [&pool] {
    std::thread::id id;
    pool.post([&id] { id = std::this_thread::get_id(); });
    EXPECT_TRUE(pool.wait_until_idle(20s));
    return id;
  };
  const auto first = who();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(who(), first) << i;
}

TEST(WorkerPool, BeginsJobsInTheirOrder) {
  std::vector<int> order;
  {
    WorkerPool pool(1);
    for (int i = 0; i < 100; ++i)
      pool.post([&order, i] { order.push_back(i); }, i % 3 == 0 ? WorkerPool::Kind::patient : WorkerPool::Kind::urgent);
  }
  ASSERT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(WorkerPool, BeginsJobsThatCameTogetherInTheirOrderTheUrgentFirst) {
  struct Noted final : WorkerPool::Job {
    Noted(std::vector<int>& where, int which) : order(where), number(which) {}
    void run() override { order.push_back(number); }
    std::vector<int>& order;
    const int number;
  };
  std::vector<int> order;
  std::list<Noted> all;
  std::promise<void> go;
  {
    WorkerPool pool(1);
    pool.post([begin = go.get_future()] { begin.wait(); });
    for (int turn = 0; turn < 3; ++turn) {
      WorkerPool::Jobs urgent, patient;
      for (int i = 0; i < 4; ++i) (i % 2 == 0 ? patient : urgent).push_back(all.emplace_back(order, 10 * turn + i));
      pool.post(urgent, patient);
      EXPECT_TRUE(urgent.empty() && patient.empty());
    }
    go.set_value();
  }
  EXPECT_EQ(order, (std::vector<int>{1, 3, 0, 2, 11, 13, 10, 12, 21, 23, 20, 22}));
}

TEST(WorkerPool, DestroysAJobWhereItWasDone) {
  struct Witness {
    explicit Witness(std::thread::id& where) : ended(&where) {}
    Witness(Witness&& other) noexcept : ended(std::exchange(other.ended, nullptr)) {}
    ~Witness() {
      if (ended != nullptr) *ended = std::this_thread::get_id();
    }
    std::thread::id* ended;
  };
  std::thread::id done, ended;
  WorkerPool pool(2);
  pool.post([&done, witness = Witness(ended)] { done = std::this_thread::get_id(); });
  EXPECT_TRUE(pool.wait_until_idle(20s));
  EXPECT_EQ(done, ended);
  EXPECT_NE(done, std::this_thread::get_id());
}

}  // namespace
}  // namespace deferd::smtp
