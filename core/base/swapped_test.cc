#include "deferd/swapped.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "deferd/prefix_set.h"

namespace deferd {
namespace {

TEST(SwappedTest, ReadsWhatWasPutInLast) {
  Swapped<int> value(1);
  EXPECT_EQ(*value.read(), 1);
  value.swap(2);
  EXPECT_EQ(*value.read(), 2);
  value.swap(3);
  EXPECT_EQ(*value.read(), 3);
}

TEST(SwappedTest, KeepsAValueAsLongAsItIsReadAndNoLonger) {
  auto first = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = first;
  Swapped<std::shared_ptr<int>> value(std::move(first));
  std::atomic<bool> swapped{false};
  std::thread writer;
  {
    const auto reading = value.read();
    writer = std::thread([&] {
      value.swap(std::make_shared<int>(2));
      swapped = true;
    });
    while (**value.read() != 2) std::this_thread::yield();  // another reader finds the new one although the writer still waits
    EXPECT_FALSE(swapped);
    EXPECT_EQ(**reading, 1);
    EXPECT_FALSE(watched.expired());
  }
  writer.join();
  EXPECT_TRUE(watched.expired());
}

/// All of one state or all of the other: 192.0.2.0/24 and 2001:db8::/32, or 198.51.100.0/24 and 2001:db9::/32.
PrefixSet state(bool odd) {
  PrefixSetBuilder builder;
  builder.add(*Prefix::parse(odd ? "192.0.2.0/24" : "198.51.100.0/24"));
  builder.add(*Prefix::parse(odd ? "2001:db8::/32" : "2001:db9::/32"));
  return builder.build();
}

TEST(SwappedTest, ManyReadersNeverSeeHalfOfASwap) {
  const auto v4 = *Address::parse("192.0.2.7"), other_v4 = *Address::parse("198.51.100.7");
  const auto v6 = *Address::parse("2001:db8::7"), other_v6 = *Address::parse("2001:db9::7");
  Swapped<PrefixSet> listed(state(false));
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> wrong{0};
  std::vector<std::atomic<std::uint64_t>> seen(2);
  std::vector<std::thread> readers;
  for (auto& count : seen)
    readers.emplace_back([&] {
      while (!stop) {
        const auto reading = listed.read();
        const bool odd = reading->contains(v4);
        if (reading->contains(v6) != odd || reading->contains(other_v4) == odd || reading->contains(other_v6) == odd) ++wrong;
        ++count;
      }
    });
  for (int i = 0; i < 200; ++i) listed.swap(state(i % 2 == 0));
  for (auto& count : seen)
    while (count < 100) std::this_thread::yield();
  stop = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0u);
  EXPECT_TRUE(listed.read()->contains(other_v4));
}

TEST(SwappedTest, WritersTakeTurns) {
  Swapped<PrefixSet> listed(state(false));
  std::vector<std::thread> writers;
  for (int w = 0; w < 3; ++w)
    writers.emplace_back([&, w] {
      for (int i = 0; i < 100; ++i) {
        listed.swap(state((i + w) % 2 == 0));
        EXPECT_EQ(listed.read()->size(), 2u);
      }
    });
  for (auto& writer : writers) writer.join();
}

}  // namespace
}  // namespace deferd
