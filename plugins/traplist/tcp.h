// One blocking connection with a deadline, for questions of a few bytes.
#pragma once
#include <chrono>
#include <stop_token>
#include <string>
#include <string_view>

#include "config.h"

namespace deferd::traplist {

/// Not thread-safe. All calls together take no longer than the deadline; a call that fails leaves it unusable. Where it is told
/// to stop, a call that waits fails within a quarter of a second.
class Line {
 public:
  explicit Line(std::stop_token stop = {}) : stop_(std::move(stop)) {}
  ~Line();
  Line(Line&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)), stop_(std::move(other.stop_)) {}
  Line& operator=(Line&& other) noexcept;

  using Deadline = std::chrono::steady_clock::time_point;
  bool connect(const Endpoint& endpoint, Deadline deadline);
  bool connect(const std::string& unix_path, Deadline deadline);
  bool send(std::string_view bytes, Deadline deadline);
  /// Appends what comes, one byte at least.
  bool receive(std::string& bytes, Deadline deadline);
  Address local() const;  ///< Our end of it, over IP; 0.0.0.0 if it is not known.
  bool open() const { return descriptor_ >= 0; }
  void close();

 private:
  bool connect(int family, const void* name, unsigned length, Deadline deadline);
  bool wait(short events, Deadline deadline) const;

  int descriptor_ = -1;
  std::stop_token stop_;
};

}  // namespace deferd::traplist
