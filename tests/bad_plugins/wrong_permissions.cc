// Nothing wrong with it, until the test lets everybody write to a copy of it.
#include "harmless.h"

DEFERD_PLUGIN(deferd::Harmless, "wrong_permissions", "1");
