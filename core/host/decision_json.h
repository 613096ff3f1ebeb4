// A decision as people and programs see it: in `deferctl explain`, also of one behind a log id.
#pragma once
#include <string>

#include "deferd/session.h"
#include "deferd/time.h"
#include "deferd/verdict.h"

namespace deferd {

/// Appends a JSON object, in this order: id, when, stage, client, name, auth, helo, from, rcpt, action, plugin, reason,
/// reply{code, enhanced, text}, due, waited, trace. `trace` lists everybody asked: plugin, stage, action, reason, tags, due,
/// waited, shadow, fault. Times are RFC 3339, `waited` is in seconds; what is unknown, empty, zero or false is left out, except
/// client, from, action and trace. `from` is empty for the null sender. Strangers' bytes are as they came, escaped as JSON needs
/// it.
void append_decision_json(std::string& out, const Decision& decision, const Session& session, Time when);

}  // namespace deferd
