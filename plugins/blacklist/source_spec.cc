#include "source_spec.h"

namespace deferd::blacklist {

std::string SourceSpec::to_string() const {
  switch (kind) {
    case Kind::file:
    case Kind::url:
      return place;
    case Kind::entries:
      return std::to_string(words.size()) + (words.size() == 1 ? " entry" : " entries");
    case Kind::command:
      break;
  }
  std::string text = "exec";
  for (const auto& word : words) text += " " + word;
  return text;
}

}  // namespace deferd::blacklist
