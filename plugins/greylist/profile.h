// The times an attempt is judged by, as the configuration or a tag `greylist.profile=NAME` chooses them.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "config.h"
#include "deferd/time.h"
#include "identity.h"
#include "tuple.h"

namespace deferd::greylist {

/// Built in: OpenBSD spamd's greylisting to the letter.
inline constexpr std::string_view kSpamd = "spamd";

struct Profile {
  std::string name;  ///< Empty: what stands outside of `profiles`.
  Duration pass_address{};
  Duration pass_prefix{};
  Duration grey_expiry{};
  Duration white_expiry{};
  Duration max_wait{};  ///< 0: no bound.
  bool spamd = false;   ///< Exact addresses, HELO in the key, bytes as they come; the passing retry still waits.

  Times times(Kind kind) const;
};

/// Those of a configuration; the one to use by default comes first, `spamd` is always among them.
std::vector<Profile> make_profiles(const Config& config);

}  // namespace deferd::greylist
