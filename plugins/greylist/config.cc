#include "config.h"

#include <algorithm>

#include "profile.h"

namespace deferd::greylist {
namespace {

using namespace std::chrono_literals;
constexpr auto kYears = std::chrono::hours{24 * 3660};
constexpr std::size_t kReplyMax = 400;

// What does not fit together in one profile; empty if all does.
std::string wrong_times(const Profile& profile) {
  const auto pass_time = std::max(profile.pass_address, profile.pass_prefix);
  if (pass_time >= profile.grey_expiry)
    return "pass_time (" + format_duration(pass_time) + ") must be shorter than grey_expiry (" +
           format_duration(profile.grey_expiry) + "): nobody would ever pass";
  if (profile.max_wait != 0s && profile.max_wait < pass_time)
    return "max_wait (" + format_duration(profile.max_wait) + ") must be at least pass_time (" + format_duration(pass_time) +
           "), or 0 for no bound";
  if (profile.max_wait >= profile.grey_expiry)
    return "max_wait (" + format_duration(profile.max_wait) + ") must be shorter than grey_expiry (" +
           format_duration(profile.grey_expiry) + "): the pair is forgotten by then";
  return {};
}

void check_profiles(const Config& config, const Value& value, const std::string& path, Problems& problems) {
  const auto profiles = make_profiles(config);
  const Value* settings = value.is_map() ? value.find("profiles") : nullptr;
  for (const auto& profile : profiles) {
    const Value* own = settings != nullptr && !profile.name.empty() ? settings->find(profile.name) : nullptr;
    const auto where = own != nullptr ? path + (path.empty() ? "" : ".") + "profiles." + profile.name : path;
    if (profile.name.empty() || own != nullptr)
      if (auto wrong = wrong_times(profile); !wrong.empty())
        problems.error(own != nullptr ? own->mark() : value.mark(), where, std::move(wrong));
  }
  if (profiles.front().name == config.profile) return;
  const Value* name = value.find("profile");
  problems.error(name->mark(), path + (path.empty() ? "" : ".") + "profile",
                 "'" + config.profile + "' is neither in 'profiles' nor built in (spamd)");
}

std::string wrong_reply(const Config& config) {
  if (config.reply_text.empty() || config.reply_text.size() > kReplyMax)
    return "reply_text must have 1 to " + std::to_string(kReplyMax) + " characters";
  if (std::any_of(config.reply_text.begin(), config.reply_text.end(), [](char c) { return c < ' ' || c > '~'; }))
    return "reply_text must be one line of printable ASCII";
  return {};
}

// Within 0s (or a second) and ten years, like the fields outside of profiles.
void check_profile(const ProfileConfig& config, const Value& value, const std::string& path, Problems& problems) {
  const auto within = [&](const char* name, const std::optional<std::chrono::seconds>& given, std::chrono::seconds low,
                          std::chrono::seconds high) {
    if (given && (*given < low || *given > high))
      problems.error(value.find(name)->mark(), path + "." + name,
                     "must be within " + format_duration(low) + " to " + format_duration(high));
  };
  within("pass_time", config.pass_time, 0s, 24h);
  within("grey_expiry", config.grey_expiry, 1min, std::chrono::hours{24 * 30});
  within("white_expiry", config.white_expiry, 1min, kYears);
  within("max_wait", config.max_wait, 0s, std::chrono::hours{24 * 30});
}

}  // namespace

Schema<PassTimes> PassTimes::schema() {
  return Schema<PassTimes>{}
      .field("address", &PassTimes::address, "For clients that are taken for their address alone.")
      .field("prefix", &PassTimes::prefix, "For clients that are taken for their prefix.");
}

Schema<ProfileConfig> ProfileConfig::schema() {
  return Schema<ProfileConfig>{}
      .field("pass_time", &ProfileConfig::pass_time, "Instead of the one outside, for all kinds of identity.")
      .field("grey_expiry", &ProfileConfig::grey_expiry, "Instead of the one outside.")
      .field("white_expiry", &ProfileConfig::white_expiry, "Instead of the one outside.")
      .field("max_wait", &ProfileConfig::max_wait, "Instead of the one outside; profile spamd has none.")
      .check(check_profile);
}

Schema<QuotaConfig> QuotaConfig::schema() {
  return Schema<QuotaConfig>{}
      .field("burst", &QuotaConfig::burst, 0U, 1'000'000U, "So many new tuples a source may leave at once; 0 sets no limit.")
      .field("per_minute", &QuotaConfig::per_minute, 1U, 1'000'000U, "So many more each minute.");
}

Schema<KnownSendersConfig> KnownSendersConfig::schema() {
  return Schema<KnownSendersConfig>{}
      .field("pairs", &KnownSendersConfig::pairs, 0U, 16U,
             "An identity that passed for so many pairs of a sender domain is known for it; 0 switches this off.")
      .field("expiry", &KnownSendersConfig::expiry, 1h, std::chrono::hours{24 * 45}, "A pass counts for so long.");
}

Schema<CorrespondentsConfig> CorrespondentsConfig::schema() {
  return Schema<CorrespondentsConfig>{}
      .field("enabled", &CorrespondentsConfig::enabled, "Whom our users wrote to may answer at once.")
      .field("expiry", &CorrespondentsConfig::expiry, 1h, kYears, "For so long after the latest mail to them.");
}

Schema<Config> Config::schema() {
  return Schema<Config>{}
      .field("pass_time", &Config::pass_time, 0s, 24h, "A retry sooner than this after the first try is deferred again.")
      .field("grey_expiry", &Config::grey_expiry, 1min, std::chrono::hours{24 * 30},
             "A first try is forgotten after this long; no retry prolongs it.")
      .field("white_expiry", &Config::white_expiry, 1min, kYears,
             "A client that passed is trusted for this long after its latest mail.")
      .field("max_wait", &Config::max_wait, 0s, std::chrono::hours{24 * 30},
             "A sender and recipient tried again after this long waits no longer, whatever addresses tried; 0 is no bound.")
      .field("pass_times", &Config::pass_times, "pass_time by what a client is taken as.")
      .field("ipv4_prefix", &Config::ipv4_prefix, 8, 32, "IPv4 clients with so many bits in common are one; 32 tells all apart.")
      .field("ipv6_prefix", &Config::ipv6_prefix, 16, 128,
             "IPv6 clients with so many bits in common are one; 128 tells all apart.")
      .field("white_ipv6_prefix", &Config::white_ipv6_prefix, 64, 128,
             "What of an IPv6 client is written into the white table; IPv4 clients are always written alone.")
      .field("quota", &Config::quota, "How many new tuples a source may leave.")
      .field("known_senders", &Config::known_senders, "Who passed for several pairs of a sender domain passes for it at once.")
      .field("correspondents", &Config::correspondents, "Answers to our users' mail.")
      .field("connect_records", &Config::connect_records,
             "A client that leaves without naming a recipient is remembered, and passes when it returns in time.")
      .field("profile", &Config::profile, "The profile of mail that no rule gave another; empty is the times above.")
      .field("profiles", &Config::profiles, "Times of their own for mail that rules tag with greylist.profile=NAME.")
      .field("reply_text", &Config::reply_text, "What a deferred client hears after 451 4.7.1; {seconds} becomes the time left.")
      .check(check_profiles)
      .rule(wrong_reply);
}

}  // namespace deferd::greylist
