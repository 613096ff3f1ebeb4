// What the MTA is told at one stage.
#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "deferd/verdict.h"

namespace deferd {

/// Within the limits of MTAs: a code of the right class, an enhanced code of the same class
/// (Postfix takes a reply without one for malformed and gives up the milter), at most 32 lines of printable ASCII.
struct MilterReply {
  enum class Kind : std::uint8_t { go_on, tempfail, reject };

  Kind kind = Kind::go_on;
  int code = 0;
  std::string enhanced;
  std::vector<std::string> lines;    ///< `%` is doubled: Sendmail takes a reply for a format string, Postfix undoes it.
  std::chrono::milliseconds pace{};  ///< The wish of plugins; 0 for those who pass.

  bool hangs_up() const { return code == 421; }

  /// An accept becomes go_on: what the MTA thinks of the recipient still counts. A defer never goes out as 5xx, nor a reject as
  /// 4xx; a close is 421, the one code that makes MTAs hang up.
  static MilterReply of(const Decision& decision);
};

}  // namespace deferd
