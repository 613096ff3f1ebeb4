// A file descriptor that is closed with its owner.
#pragma once
#include <unistd.h>

#include <cerrno>
#include <span>
#include <utility>

namespace deferd::blacklist {

class Descriptor {
 public:
  explicit Descriptor(int descriptor = -1) : descriptor_(descriptor) {}
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Descriptor(Descriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }

  explicit operator bool() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }

  /// As read(2), but that signals do not matter.
  ssize_t read(std::span<char> into) const {
    for (;;)
      if (const auto got = ::read(descriptor_, into.data(), into.size()); got >= 0 || errno != EINTR) return got;
  }

 private:
  int descriptor_;
};

}  // namespace deferd::blacklist
