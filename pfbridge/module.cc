#include "pfbridge/pfbridge.h"

DEFERD_PLUGIN(deferd::pfbridge::PfBridge, "pfbridge", "1.0");
