// A table written to a file for others, as greytrapping sites publish whom they trapped.
#pragma once
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "config.h"
#include "deferd/host.h"

namespace deferd::traplist {

/// Writes FILE, an address or prefix a line in ascending order, and FILE.gz with the same; each appears as a whole or not at all.
/// Returns how many lines there are. Errors: io, and the tables'.
Result<std::size_t> publish(Tables& tables, const PublishConfig& config);

/// A thread of its own; publishes at once, and then as often as told.
class Publisher {
 public:
  /// `host` outlives it.
  Publisher(std::vector<PublishConfig> configs, Host& host);
  ~Publisher();

 private:
  void run();
  void step(std::size_t index);

  const std::vector<PublishConfig> configs_;
  Host& host_;
  std::vector<bool> failing_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace deferd::traplist
