// For tests: macros as given.
#pragma once
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "milter/envelope.h"

namespace deferd {

class FakeMacros : public Macros {
 public:
  FakeMacros() = default;
  FakeMacros(std::initializer_list<std::pair<std::string, std::string>> macros) : macros_(macros) {}
  std::string_view get(const char* name) const override {
    for (const auto& [have, value] : macros_)
      if (have == name) return value;
    return {};
  }

 private:
  std::vector<std::pair<std::string, std::string>> macros_;
};

}  // namespace deferd
