#include "ops/batch_scheduling.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>

#if defined(SCHED_BATCH)
namespace deferd {
namespace {

int policy() { return ::sched_getscheduler(0); }

TEST(BatchScheduling, IsInheritedByThreads) {
  int own = -1, inherited = -1;
  std::thread([&] {
    schedule_as_batch();
    own = policy();
    std::thread([&] { inherited = policy(); }).join();
  }).join();
  EXPECT_EQ(own, SCHED_BATCH);
  EXPECT_EQ(inherited, SCHED_BATCH);
}

TEST(BatchScheduling, LeavesWhatSomebodyElseHasChosen) {
  int left = -1;
  std::thread([&] {
    const sched_param no_priority{};
    ASSERT_EQ(::sched_setscheduler(0, SCHED_IDLE, &no_priority), 0);
    schedule_as_batch();
    left = policy();
  }).join();
  EXPECT_EQ(left, SCHED_IDLE);
}

}  // namespace
}  // namespace deferd
#endif
