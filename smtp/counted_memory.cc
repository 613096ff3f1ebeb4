#include "smtp/counted_memory.h"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> live{0}, made{0};

constexpr std::size_t kOverhead = sizeof(std::size_t);  // glibc's, of every allocation

}  // namespace

// Not inlined: GCC would see malloc without the delete that belongs to it, and warn.
[[gnu::noinline]] void* operator new(std::size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  ++made;
  live += malloc_usable_size(memory) + kOverhead;
  return memory;
}

[[gnu::noinline]] void operator delete(void* memory) noexcept {
  if (memory != nullptr) live -= malloc_usable_size(memory) + kOverhead;
  std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

namespace deferd::smtp {

std::size_t live_bytes() { return live; }
std::size_t allocations() { return made; }

}  // namespace deferd::smtp
