#include "blacklist.h"

DEFERD_PLUGIN(deferd::blacklist::Blacklist, "blacklist", "1.0");
