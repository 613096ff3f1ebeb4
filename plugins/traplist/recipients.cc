#include "recipients.h"

#include <array>

namespace deferd::traplist {
namespace {

// user+anything@example.org is user@example.org; a name that begins with a plus has no extension.
std::string without_extension(std::string_view folded) {
  const auto local = local_part(folded);
  const auto plus = local.find('+');
  if (plus == local.npos || plus == 0) return std::string(folded);
  return std::string(local.substr(0, plus)) + "@" + std::string(domain_of(folded));
}

bool in_file(const AddressSet& set, std::string_view folded) { return holds(set, folded) || set.contains(local_part(folded)); }

}  // namespace

Recipients::Recipients(const RecipientsConfig& config, LoadedFiles& files, Log& log, Counter& failures) : failures_(failures) {
  for (const auto& path : config.files) files_.push_back(or_throw(files.load(path, LoadedFiles::Words::whole, log)));
  if (!config.socketmap.empty()) map_.emplace(or_throw(SocketmapPlace::parse(config.socketmap)), config.timeout);
}

bool Recipients::knows(std::string_view folded, Log& log) {
  if (domain_of(folded).empty() || local_part(folded) == "postmaster") return true;
  const auto plain = without_extension(folded);
  for (const auto& file : files_)
    if (in_file(*file, folded) || in_file(*file, plain)) return true;
  return map_ && asks_map(folded, plain, log);
}

bool Recipients::asks_map(std::string_view folded, std::string_view plain, Log& log) {
  const auto domain = folded.substr(folded.rfind('@'));
  const std::array<std::string_view, 3> keys = {folded, plain, domain};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (i == 1 && plain == folded) continue;
    const auto found = map_->has(keys[i]);
    if (!found) {
      failures_.add();
      if (!map_failing_.exchange(true)) log.error("traplist.map_failing", {{"error", found.error().what}});
      return true;
    }
    if (map_failing_.exchange(false)) log.notice("traplist.map_recovered", {});
    if (*found) return true;
  }
  return false;
}

}  // namespace deferd::traplist
