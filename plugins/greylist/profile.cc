#include "profile.h"

#include <algorithm>

namespace deferd::greylist {
namespace {

using namespace std::chrono_literals;

Profile outside(const Config& config) {
  Profile profile;
  profile.pass_address = config.pass_times.address.value_or(config.pass_time);
  profile.pass_prefix = config.pass_times.prefix.value_or(config.pass_time);
  profile.grey_expiry = config.grey_expiry;
  profile.white_expiry = config.white_expiry;
  profile.max_wait = config.max_wait;
  return profile;
}

// spamd(8) -G 25:4:864; nothing but a retry of the very tuple counts.
Profile spamd() {
  Profile profile;
  profile.name = kSpamd;
  profile.pass_address = profile.pass_prefix = 25min;
  profile.grey_expiry = 4h;
  profile.white_expiry = 864h;
  profile.spamd = true;
  return profile;
}

void apply(const ProfileConfig& config, Profile& profile) {
  if (config.pass_time) profile.pass_address = profile.pass_prefix = *config.pass_time;
  if (config.grey_expiry) profile.grey_expiry = *config.grey_expiry;
  if (config.white_expiry) profile.white_expiry = *config.white_expiry;
  if (config.max_wait && !profile.spamd) profile.max_wait = *config.max_wait;
}

}  // namespace

Times Profile::times(Kind kind) const {
  return {kind == Kind::address ? pass_address : pass_prefix, grey_expiry, white_expiry, spamd};
}

std::vector<Profile> make_profiles(const Config& config) {
  std::vector<Profile> profiles = {outside(config), spamd()};
  for (const auto& [name, settings] : config.profiles) {
    if (name == kSpamd) {
      apply(settings, profiles[1]);
      continue;
    }
    Profile profile = outside(config);
    profile.name = name;
    apply(settings, profile);
    profiles.push_back(std::move(profile));
  }
  const auto wanted = std::find_if(profiles.begin(), profiles.end(), [&](const Profile& p) { return p.name == config.profile; });
  if (wanted != profiles.end()) std::rotate(profiles.begin(), wanted, wanted + 1);
  return profiles;
}

}  // namespace deferd::greylist
