// Nothing wrong with one of it; the test puts a second one beside it.
#include "harmless.h"

DEFERD_PLUGIN(deferd::Harmless, "duplicate_name", "1");
