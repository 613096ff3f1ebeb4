// A decision as it is kept for `deferctl explain ID` and `release ID`: every decision is written down, and few are ever read, so
// they become text (decision_json.h) only then.
#pragma once
#include <string>
#include <string_view>

#include "deferd/result.h"
#include "deferd/session.h"
#include "deferd/verdict.h"

namespace deferd {

/// What append_decision_json() tells of it but its id and when, and nothing else. Strangers' bytes are as they came; of a text
/// the first 65,535.
std::string pack_decision(const Decision& decision, const Session& session);

struct PastDecision {
  Decision decision;
  Session session;
};

/// Takes any bytes. Errors: corrupt.
Result<PastDecision> unpack_decision(std::string_view packed);

}  // namespace deferd
