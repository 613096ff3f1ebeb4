#include "ops/cells.h"

#include <array>
#include <atomic>
#include <bit>
#include <stdexcept>

namespace deferd {
namespace {

constexpr std::size_t kChunk = 256;
constexpr std::size_t kChunks = 64;

}  // namespace

struct Cells::Shard {
  using Chunk = std::array<std::atomic<std::uint64_t>, kChunk>;
  std::array<std::atomic<Chunk*>, kChunks> chunks{};

  ~Shard() {
    for (auto& chunk : chunks) delete chunk.load(std::memory_order_relaxed);
  }
  /// Null if nothing was ever added there.
  const std::atomic<std::uint64_t>* find(std::size_t cell) const {
    const auto* chunk = chunks[cell / kChunk].load(std::memory_order_acquire);
    return chunk == nullptr ? nullptr : &(*chunk)[cell % kChunk];
  }
  /// By the owner only. Throws std::bad_alloc.
  std::atomic<std::uint64_t>& at(std::size_t cell) {
    auto& place = chunks[cell / kChunk];
    auto* chunk = place.load(std::memory_order_relaxed);
    if (chunk == nullptr) {
      chunk = new Chunk{};
      place.store(chunk, std::memory_order_release);
    }
    return (*chunk)[cell % kChunk];
  }
};

/// The shards of one thread, one for each Cells it added to.
struct Cells::Holder {
  struct Held {
    std::shared_ptr<Cells> cells;
    Shard* shard;
  };
  std::vector<Held> held;

  // The last one used. Trivial, so that it costs nothing to reach and may be read while the thread ends.
  static thread_local constinit Cells* last_cells;
  static thread_local constinit Shard* last_shard;
  static thread_local constinit bool ended;

  ~Holder() {
    ended = true;
    last_cells = nullptr;
    for (auto& one : held) one.cells->give_back(one.shard);
  }
  Shard* find(Cells& cells) {
    for (auto& one : held)
      if (one.cells.get() == &cells) return one.shard;
    held.reserve(held.size() + 1);
    return held.emplace_back(Held{cells.shared_from_this(), cells.take_shard()}).shard;
  }
};
thread_local constinit Cells* Cells::Holder::last_cells = nullptr;
thread_local constinit Cells::Shard* Cells::Holder::last_shard = nullptr;
thread_local constinit bool Cells::Holder::ended = false;

std::shared_ptr<Cells> Cells::make() { return std::shared_ptr<Cells>(new Cells); }
Cells::Cells() { shards_.push_back(std::make_unique<Shard>()); }
Cells::~Cells() = default;

std::size_t Cells::reserve(std::size_t count) {
  const std::lock_guard lock(mutex_);
  if (reserved_ + count > kChunk * kChunks) throw std::length_error("too many metrics");
  const auto first = reserved_;
  for (std::size_t cell = first; cell < first + count; ++cell) shards_.front()->at(cell);
  reserved_ += count;
  return first;
}

Cells::Shard* Cells::mine() noexcept {
  if (Holder::last_cells == this) return Holder::last_shard;
  if (Holder::ended) return nullptr;
  try {
    thread_local Holder holder;
    Holder::last_shard = holder.find(*this);
    Holder::last_cells = this;
    return Holder::last_shard;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

template <class F>
void Cells::change(std::size_t cell, F f) noexcept {
  if (Shard* shard = mine()) try {
      auto& value = shard->at(cell);
      value.store(f(value.load(std::memory_order_relaxed)), std::memory_order_relaxed);
      return;
    } catch (const std::bad_alloc&) {  // the shared shard below needs no memory
    }
  const std::lock_guard lock(mutex_);
  auto& value = shards_.front()->at(cell);
  value.store(f(value.load(std::memory_order_relaxed)), std::memory_order_relaxed);
}

void Cells::add(std::size_t cell, std::uint64_t n) noexcept {
  change(cell, [n](std::uint64_t value) { return value + n; });
}

void Cells::add_real(std::size_t cell, double n) noexcept {
  change(cell, [n](std::uint64_t value) { return std::bit_cast<std::uint64_t>(std::bit_cast<double>(value) + n); });
}

Cells::Shard* Cells::take_shard() {
  const std::lock_guard lock(mutex_);
  if (!free_.empty()) {
    auto* shard = free_.back();
    free_.pop_back();
    return shard;
  }
  free_.reserve(shards_.size());  // so that giving back cannot fail
  return shards_.emplace_back(std::make_unique<Shard>()).get();
}

void Cells::give_back(Shard* shard) noexcept {
  const std::lock_guard lock(mutex_);
  free_.push_back(shard);
}

void Cells::sum(std::size_t first, std::span<std::uint64_t> out) const {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = 0;
    for (const auto& shard : shards_)
      if (const auto* value = shard->find(first + i)) out[i] += value->load(std::memory_order_relaxed);
  }
}

double Cells::sum_real(std::size_t cell) const {
  const std::lock_guard lock(mutex_);
  double sum = 0;
  for (const auto& shard : shards_)
    if (const auto* value = shard->find(cell)) sum += std::bit_cast<double>(value->load(std::memory_order_relaxed));
  return sum;
}

}  // namespace deferd
