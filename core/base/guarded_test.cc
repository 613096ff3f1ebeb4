#include "base/guarded.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <string>
#include <thread>
#include <vector>

namespace deferd {
namespace {

TEST(Guarded, ThreadsLoseNoStep) {
  Guarded<int> count(5);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int step = 0; step < 1000; ++step) ++*count.lock();
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(*count.lock(), 4005);
}

TEST(Guarded, CanBeWaitedFor) {
  Guarded<std::string> text;
  std::condition_variable filled;
  std::thread writer([&] {
    *text.lock() = "here";
    filled.notify_one();
  });
  {
    auto locked = text.lock();
    filled.wait(locked.held(), [&] { return !locked->empty(); });
    EXPECT_EQ(*locked, "here");
  }
  writer.join();
}

}  // namespace
}  // namespace deferd
