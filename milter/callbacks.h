// libmilter's side: its C callbacks, translated to calls of the sessions behind the gate. No other header knows of libmilter.
#pragma once
#include <libmilter/mfapi.h>

#include "milter/gate.h"
#include "milter/switchboard.h"

namespace deferd {

/// The gate all callbacks go through.
Gate<Switchboard>& milter_gate();

/// What to register. `early_replies`: the MTA waits for answers to connect, HELO and MAIL; it is for all connections of the
/// process, as a connection may be reused (QUIT_NC) without negotiating anew.
smfiDesc milter_callbacks(bool early_replies);

}  // namespace deferd
