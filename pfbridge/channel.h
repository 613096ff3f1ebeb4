// The way to one helper: connected, or started, when somebody asks for it; bytes go both ways and nothing blocks.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "deferd/result.h"
#include "pfbridge/helper_place.h"

namespace deferd::pfbridge {

/// One thread.
class Channel {
 public:
  explicit Channel(HelperPlace place) : place_(std::move(place)) {}
  /// Hangs up. A started program is left alone: it stays until it sees that deferd does not come back, and lets everybody pass.
  ~Channel();
  Channel(Channel&& other) noexcept;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Errors: unavailable.
  Result<void> open();
  /// Hangs up, and ends the program: another one shall take its place.
  void close();
  /// Ends programs that did not end when they were told to; call it every few seconds.
  void reap();

  bool is_open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }

  /// Appends what has come. Errors: unavailable, at its end.
  Result<void> read(std::string& into);
  /// Takes away what could be sent. Errors: unavailable.
  Result<void> write(std::string& from);

 private:
  struct Ending {
    pid_t pid;
    std::chrono::steady_clock::time_point told;
  };
  Result<void> connect();
  Result<void> start();
  Error gone() const;

  HelperPlace place_;
  int descriptor_ = -1;
  pid_t pid_ = -1;
  std::vector<Ending> ending_;
};

}  // namespace deferd::pfbridge
