// What is counted and logged of hand-overs.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string_view>

#include "deferd/address.h"
#include "deferd/host.h"
#include "ops/metrics.h"
#include "smtp/mta_client.h"

namespace deferd::smtp {

/// Thread-safe.
class HandoverBooks {
 public:
  HandoverBooks(Log& log, Metrics& metrics);

  void ready(bool is) { ready_.set(is ? 1 : 0); }  ///< The MTA, by its last probe.
  int open() const;

  /// "smtp.handover": what the MTA said of a recipient.
  void recipient(const Address& client, const MtaResult& result);
  void recipient(const Address& client, int code, std::string_view reply);
  void unavailable(const Address& client, std::string_view why);
  /// "smtp.handover_message": what it said of a message whose end we carried.
  void message(const Address& client, std::string_view reply, std::uint64_t bytes);
  /// "smtp.handover_ended": of a client that was joined with it.
  void ended(const Address& client, std::chrono::steady_clock::duration time, std::uint64_t to_mta, std::uint64_t to_client,
             std::string_view end);

 private:
  friend class HandoverPlace;
  void note(const Address& client, std::string_view result, Counter& counter, std::string_view mta_reply);

  Log& log_;
  Counter &accepted_, &deferred_, &rejected_, &unavailable_;
  Gauge &open_gauge_, &ready_;
  mutable std::mutex mutex_;
  int open_ = 0, led_ = 0;
  std::map<Prefix, int> led_of_;  // by network
};

/// One client's place in the books, as long as its hand-over lasts.
class HandoverPlace {
 public:
  /// `leads`: `client` is not to be joined with the MTA, and of such there may be `most_led`, a quarter of them of one network.
  HandoverPlace(HandoverBooks& books, const Address& client, bool leads, int most_led);
  ~HandoverPlace();
  HandoverPlace(const HandoverPlace&) = delete;
  HandoverPlace& operator=(const HandoverPlace&) = delete;

  bool refused() const { return refused_; }  ///< There are enough that are led.

 private:
  HandoverBooks& books_;
  const Prefix network_;
  bool led_ = false, refused_ = false;
};

}  // namespace deferd::smtp
