// All that one helper captures, and what of it deferd is told: connections on the interfaces asked for, and of a host that
// connects again and again no more than one a minute.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "pfbridge/helper/capture.h"
#include "pfbridge/helper/recent.h"
#include "pfbridge/helper/wire.h"

namespace deferd::bridge {

/// One thread.
class Captures {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Tell = std::function<void(const Passed&)>;

  /// Those of `interfaces` alone count; none: all.
  explicit Captures(std::vector<std::string> interfaces);

  void add(std::unique_ptr<Capture> capture);

  /// To be waited for, for reading.
  const std::vector<int>& descriptors() const { return descriptors_; }
  /// A file has not come to its end: there is something to read without waiting.
  bool unread() const;

  /// Takes what has come and tells of it. `tell` null: nobody listens. Then what comes is lost, and files wait. False: a capture
  /// failed, and error() says which and why.
  bool read(Time now, const Tell& tell);
  const std::string& error() const { return error_; }

 private:
  using Key = std::tuple<bool, Entry, std::string>;  // inbound, host, interface

  void take(const Connection& connection, Time now, const Tell& tell);

  const std::vector<std::string> interfaces_;
  std::vector<std::unique_ptr<Capture>> captures_;
  std::vector<int> descriptors_;
  Recent<Key> told_;
  std::string error_;
};

}  // namespace deferd::bridge
