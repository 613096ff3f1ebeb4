#include "base/file_mode.h"

#include <charconv>
#include <cstdio>

namespace deferd {

Result<FileMode> Codec<FileMode>::parse(std::string_view text) {
  FileMode mode;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode.bits, 8);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || mode.bits > 0777)
    return fail(Errc::invalid, "not an octal file mode such as 0660");
  return mode;
}

std::string Codec<FileMode>::print(FileMode mode) {
  char text[16];
  std::snprintf(text, sizeof(text), "%04o", static_cast<unsigned>(mode.bits));
  return text;
}

}  // namespace deferd
