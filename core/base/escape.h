// Strangers' bytes for logs and terminals: bounded, on one line, nothing that a terminal would act on.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace deferd {

inline constexpr std::size_t kLongestLogValue = 1024;

/// Appends `bytes` with `"`, `\` and everything unprintable as \" \\ \xNN. Valid UTF-8 stays, but for control characters, line
/// separators and direction marks. Of more than `limit` bytes the first `limit` are shown, followed by `...`.
void append_escaped(std::string& out, std::string_view bytes, std::size_t limit = kLongestLogValue);
std::string escaped(std::string_view bytes, std::size_t limit = kLongestLogValue);

/// As the value of `key=value`: as it is if it is plain; between quotes and escaped if it is empty, too long, or holds blanks,
/// quotes, `=`, `\` or anything unprintable.
void append_log_value(std::string& out, std::string_view bytes, std::size_t limit = kLongestLogValue);

}  // namespace deferd
