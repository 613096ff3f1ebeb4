// What makes it a library to load; tests link the rest without this file.
#include "example.h"

DEFERD_PLUGIN(deferd::example::Example, "example", "1.0");
