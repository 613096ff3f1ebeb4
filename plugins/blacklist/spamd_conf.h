// spamd.conf(5) as it is: which lists there are, in which order, and what is subtracted from which.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/result.h"
#include "source_spec.h"

namespace deferd::blacklist {

/// A list of addresses that a record describes.
struct SpamdList {
  std::string name;
  SourceSpec source;
  std::string message;              ///< In spamd's notation (deferd/list_message.h); of white lists empty.
  std::vector<SpamdList> excepted;  ///< The white lists that follow it in `all`, up to the next black one.
};

/// Reads a local file that a message stands in. Errors: io.
using ReadFile = std::function<Result<std::string>(const std::string& path)>;

/// The black lists in the order of `all`. One named twice there counts with its last place, as the later delivery replaces the
/// former. Errors go to `errors` as `line 7: ...`; what is wrong with a record leaves that list out.
std::vector<SpamdList> read_spamd_conf(std::string_view text, const ReadFile& read_file, std::vector<std::string>& errors);

/// A message as it stands in memory, in spamd's notation: line breaks as `\n`, quotes as `\"`, `%` and `\` as they are.
std::string in_spamd_notation(std::string_view message);

}  // namespace deferd::blacklist
