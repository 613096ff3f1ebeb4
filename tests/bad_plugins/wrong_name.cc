#include "harmless.h"

DEFERD_PLUGIN(deferd::Harmless, "somebody_else", "1");
