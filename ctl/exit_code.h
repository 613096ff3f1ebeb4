// What deferctl's exit codes mean; those above 1 are of sysexits(3). Documented in deferctl(8).
#pragma once
#include "deferd/result.h"

namespace deferd::ctl {

enum ExitCode : int {
  kOk = 0,
  kNothing = 1,        ///< There is no such thing; nothing was changed.
  kDoubtful = 1,       ///< doctor: a check warns, none failed.
  kIll = 2,            ///< doctor: a check failed.
  kUsage = 64,         ///< The command line is wrong.
  kRefused = 65,       ///< The daemon did not take an argument.
  kUnreachable = 69,   ///< No deferd answers on the socket.
  kBrokeOff = 70,      ///< The answer broke off, or was none of deferd's.
  kFailed = 74,        ///< The daemon tried and could not: disk, damaged store.
  kTryAgain = 75,      ///< The daemon cannot at present, or did not answer in time.
  kNotPermitted = 77,  ///< This user may not use the socket.
};

struct Failure {
  ExitCode code = kFailed;
  std::string what;
};

template <class T>
using Outcome = tl::expected<T, Failure>;

}  // namespace deferd::ctl
