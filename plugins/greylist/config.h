// What can be set; one row of README.md each.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "deferd/schema.h"

namespace deferd::greylist {

/// Per kind of identity; what is not given is pass_time.
struct PassTimes {
  std::optional<std::chrono::seconds> address, prefix;
  static Schema<PassTimes> schema();
};

/// Times of its own for some of the mail; what is not given is as outside of it.
struct ProfileConfig {
  std::optional<std::chrono::seconds> pass_time, grey_expiry, white_expiry, max_wait;
  static Schema<ProfileConfig> schema();
};

struct QuotaConfig {
  std::uint32_t burst = 500;
  std::uint32_t per_minute = 100;
  static Schema<QuotaConfig> schema();
};

struct KnownSendersConfig {
  std::uint32_t pairs = 3;
  std::chrono::seconds expiry = std::chrono::hours{24 * 36};
  static Schema<KnownSendersConfig> schema();
};

struct CorrespondentsConfig {
  bool enabled = true;
  std::chrono::seconds expiry = std::chrono::hours{24 * 36};
  static Schema<CorrespondentsConfig> schema();
};

struct Config {
  std::chrono::seconds pass_time = std::chrono::minutes{5};         ///< spamd(8) -G passtime, 25 min there
  std::chrono::seconds grey_expiry = std::chrono::hours{8};         ///< spamd(8) -G greyexp, 4 h there
  std::chrono::seconds white_expiry = std::chrono::hours{24 * 36};  ///< spamd(8) -G whiteexp
  std::chrono::seconds max_wait = std::chrono::minutes{60};
  PassTimes pass_times;
  int ipv4_prefix = 24;
  int ipv6_prefix = 64;
  int white_ipv6_prefix = 128;
  QuotaConfig quota;
  KnownSendersConfig known_senders;
  CorrespondentsConfig correspondents;
  bool connect_records = true;
  std::string profile;
  std::vector<std::pair<std::string, ProfileConfig>> profiles;
  std::string reply_text = "Please try again later";
  static Schema<Config> schema();
};

}  // namespace deferd::greylist
