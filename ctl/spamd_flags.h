// spamd(8)'s flags, as they stand in rc.conf.local or on a command line.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/result.h"

namespace deferd::ctl {

/// With what spamd does where a flag is not given.
struct SpamdFlags {
  bool reject = false;                                                ///< -5
  bool black_list_only = false;                                       ///< -b
  std::int64_t clients = 800;                                         ///< -c
  std::optional<std::int64_t> held;                                   ///< -B
  std::string certificate, key;                                       ///< -C, -K
  std::int64_t pass_minutes = 25, grey_hours = 4, white_hours = 864;  ///< -G
  std::string host;                                                   ///< -h; empty: the machine's name.
  std::string address = "127.0.0.1";                                  ///< -l
  std::int64_t port = 8025;                                           ///< -p
  std::string low_priority_mx;                                        ///< -M
  std::string product;                                                ///< -n
  std::int64_t per_byte = 1, stutter = 10;                            ///< -s, -S; seconds
  bool verbose = false;                                               ///< -v
  std::int64_t window = 0;                                            ///< -w; 0: the system's.
  std::vector<std::string> sync;                                      ///< -y, -Y

  std::int64_t most_held() const { return held.value_or(clients > 100 ? clients - 100 : 0); }
  bool usual_times() const { return pass_minutes == 25 && grey_hours == 4 && white_hours == 864; }
};

/// Words are split as a shell does, with quotes and backslashes. Errors: invalid.
Result<SpamdFlags> read_spamd_flags(std::string_view text);

/// The flags in a file of shell variables: of OpenBSD's rc.conf.local (`spamd_flags`, `spamd_black`) or FreeBSD's rc.conf
/// (`obspamd_flags`). Nothing if it has none of them.
std::optional<std::string> spamd_flags_in(std::string_view rc);

}  // namespace deferd::ctl
