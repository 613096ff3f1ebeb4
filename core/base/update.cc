#include <algorithm>
#include <chrono>
#include <functional>
#include <random>
#include <thread>

#include "deferd/store.h"

namespace deferd {
namespace {

constexpr int kTries = 64;

/// Those who lost a race come back at different moments; the first retry at once, later ones after up to 2 ms.
void wait_before_retry(int failed_tries) {
  if (failed_tries < 2) return;
  thread_local std::minstd_rand random(static_cast<unsigned>(std::hash<std::thread::id>{}(std::this_thread::get_id())) | 1U);
  std::uniform_int_distribution<int> microseconds(0, std::min(2'000, 25 << std::min(failed_tries, 7)));
  std::this_thread::sleep_for(std::chrono::microseconds(microseconds(random)));
}

}  // namespace

Result<void> update(Store& store, std::string_view group, std::span<const std::string_view> keys, const Decide& decide) {
  for (int failed = 0; failed < kTries; ++failed) {
    wait_before_retry(failed);
    auto records = store.read(group, keys);
    if (!records) return tl::unexpected(std::move(records.error()));

    auto changes = decide(*records);
    if (changes.empty()) return {};
    for (auto& change : changes)
      for (std::size_t i = 0; i < keys.size(); ++i)
        if (keys[i] == change.key) change.expected = (*records)[i].version;

    auto committed = store.commit(group, changes);
    if (committed || committed.error().code != Errc::conflict) return committed;
  }
  return fail(Errc::busy, "others kept changing the same records for " + std::to_string(kTries) + " tries");
}

}  // namespace deferd
