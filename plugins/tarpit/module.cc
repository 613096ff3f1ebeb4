#include "tarpit.h"

DEFERD_PLUGIN(deferd::tarpit::Tarpit, "tarpit", "1.0");
