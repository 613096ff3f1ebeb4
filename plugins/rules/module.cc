#include "rules.h"

DEFERD_PLUGIN(deferd::rules::Rules, "rules", "1.0");
