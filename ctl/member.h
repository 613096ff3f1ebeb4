// Members of JSON that may or may not be as expected.
#pragma once
#include <initializer_list>
#include <string_view>

#include "deferd/value.h"

namespace deferd::ctl {

/// The member at the end of the path, or a null value, which has no text, no items and is 0.
inline const Value& member(const Value& value, std::initializer_list<std::string_view> path) {
  static const Value kNothing;
  const Value* at = &value;
  for (const auto key : path) {
    at = at->is_map() ? at->find(key) : nullptr;
    if (at == nullptr) return kNothing;
  }
  return *at;
}

}  // namespace deferd::ctl
