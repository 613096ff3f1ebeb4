// What makes it a library to load; tests link the rest without this file.
#include "greylist.h"

DEFERD_PLUGIN(deferd::greylist::Greylist, "greylist", "1.0");
