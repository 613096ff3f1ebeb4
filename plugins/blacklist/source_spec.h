// Where a list comes from.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace deferd::blacklist {

struct SourceSpec {
  enum class Kind : std::uint8_t {
    file,     ///< A local file, read again when it changes.
    url,      ///< http, https or ftp.
    command,  ///< What a program writes to its standard output.
    entries   ///< Lines of the configuration itself.
  };
  Kind kind = Kind::file;
  std::string place;               ///< Path or URL.
  std::vector<std::string> words;  ///< argv of a command, or the entries.

  bool operator==(const SourceSpec&) const = default;
  bool is_remote() const { return kind == Kind::url || kind == Kind::command; }

  /// For people, one line: `/etc/mail/black`, `https://...`, `exec /usr/local/bin/mklist -4`, `3 entries`.
  std::string to_string() const;
};

}  // namespace deferd::blacklist
