// Numbers that many threads add to all the time and somebody sums up now and then.
//
// Each thread has a shard of its own with one cell for each number, and only the owner writes there: an addition is a load and a
// store, no lock, no shared cache line. A thread that ends leaves its shard, counts and all, to the next one that starts; so
// there are as many shards as there ever were threads at the same time.
#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace deferd {

/// Thread-safe. Held by shared_ptr: threads that added keep it alive until they end.
class Cells : public std::enable_shared_from_this<Cells> {
 public:
  static std::shared_ptr<Cells> make();
  ~Cells();

  /// Reserves `count` consecutive cells, all 0; returns the first. Throws std::length_error beyond 16,384 in all.
  std::size_t reserve(std::size_t count);

  void add(std::size_t cell, std::uint64_t n) noexcept;
  void add_real(std::size_t cell, double n) noexcept;  ///< For cells that hold a double.

  /// What all threads, past and present, added to `out.size()` cells from `first`.
  void sum(std::size_t first, std::span<std::uint64_t> out) const;
  double sum_real(std::size_t cell) const;

 private:
  struct Shard;
  struct Holder;
  Cells();
  template <class F>
  void change(std::size_t cell, F f) noexcept;
  Shard* mine() noexcept;
  Shard* take_shard();
  void give_back(Shard* shard) noexcept;

  mutable std::mutex mutex_;
  std::size_t reserved_ = 0;
  std::vector<std::unique_ptr<Shard>> shards_;  // the first is for threads that cannot have their own
  std::vector<Shard*> free_;
};

}  // namespace deferd
