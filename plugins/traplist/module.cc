#include "traplist.h"

DEFERD_PLUGIN(deferd::traplist::Traplist, "traplist", "1.0");
