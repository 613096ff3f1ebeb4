// Past decisions over a Kv: stored in chunks as they were appended, with the hashes of their ids beside them, so that keeping one
// costs little. find() is for people: it reads the hashes of all.
#pragma once
#include <atomic>
#include <mutex>

#include "deferd/time.h"
#include "store/engine.h"
#include "store/kv.h"
#include "store/limits.h"

namespace deferd::store {

class DecisionStore : public Decisions {
 public:
  DecisionStore(Kv& kv, const DecisionLimits& limits) : kv_(kv), limits_(limits) {}
  Result<void> open();

  Result<void> append(std::span<const DecisionRecord> records) override;
  Result<DecisionRecord> find(std::string_view id) override;
  Result<std::vector<DecisionRecord>> newest(std::size_t limit) override;

  /// Forgets the oldest beyond the limits, a bounded number a call; by age only if `by_age`.
  Result<void> trim(Time now, bool by_age);

 private:
  Result<void> append_chunk(std::span<const DecisionRecord> records);  // with the lock held

  Kv& kv_;
  const DecisionLimits limits_;
  std::mutex append_;
  std::uint64_t next_ = 0;                 ///< The number of the next decision.
  std::atomic<std::uint64_t> oldest_ = 0;  ///< None before this number is left.
};

}  // namespace deferd::store
