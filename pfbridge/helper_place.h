// Where a helper is: a Unix socket, or a command that is started and spoken to by its standard input and output.
#pragma once
#include <string>
#include <vector>

#include "deferd/result.h"
#include "deferd/value.h"

namespace deferd::pfbridge {

struct HelperPlace {
  std::string socket;              ///< Path; empty: `words` are started.
  std::vector<std::string> words;  ///< A program and its arguments; no shell.

  std::string name() const;  ///< As it is written in the configuration.
  bool operator==(const HelperPlace&) const = default;

  /// `unix:/path` or `[ssh, firewall, deferd-helper, --stdio]`. Errors: invalid.
  static Result<HelperPlace> read(const Value& value);
  /// One such, or a list of them. Errors: invalid.
  static Result<std::vector<HelperPlace>> read_all(const Value& value);
};

}  // namespace deferd::pfbridge
