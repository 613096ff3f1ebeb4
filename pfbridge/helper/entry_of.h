// For tests: an entry by its text.
#pragma once
#include "pfbridge/helper/entry.h"

namespace deferd::bridge {

inline Entry entry(const char* text) { return *Entry::parse(text); }

}  // namespace deferd::bridge
