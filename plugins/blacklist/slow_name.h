// For tests: a name that is looked up for as long as they like. In place of the system's getaddrinfo(3), for libcurl too.
#pragma once

namespace deferd::blacklist {

class SlowName {
 public:
  static constexpr char kName[] = "slow.example";
  static bool is_asked_for();  ///< Waits for that; false if it does not come.
  static void answer();        ///< That there is no such name; to whoever asks, now and later.
};

}  // namespace deferd::blacklist
