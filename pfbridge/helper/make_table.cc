#include "pfbridge/helper/make_table.h"

#include <algorithm>

#include "pfbridge/helper/file_table.h"
#include "pfbridge/helper/nft_table.h"
#include "pfbridge/helper/pf_table.h"
#include "pfbridge/helper/pfctl.h"
#include "pfbridge/helper/program_table.h"

namespace deferd::bridge {
namespace {

// ANCHOR/TABLE: an anchor's own path has slashes too.
pf::TableName pf_name(const std::string& place) {
  const auto slash = place.rfind('/');
  if (slash == std::string::npos) return {"", place};
  return {place.substr(0, slash), place.substr(slash + 1)};
}

// FAMILY/TABLE/SET4,SET6,PREFIXES4,PREFIXES6. The names go into nft's commands, so they may hold nothing but letters and the
// like.
bool nft_names(const std::string& place, NftSets& sets) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-,/.";
  if (place.find_first_not_of(kAllowed) != std::string::npos) return false;
  const auto first = place.find('/');
  const auto second = first == std::string::npos ? first : place.find('/', first + 1);
  if (second == std::string::npos || place.find('/', second + 1) != std::string::npos) return false;
  sets.family = place.substr(0, first);
  sets.table = place.substr(first + 1, second - first - 1);
  if (sets.family.empty() || sets.table.empty()) return false;
  std::string_view rest = std::string_view(place).substr(second + 1);
  for (std::string* name : {&sets.hosts4, &sets.hosts6, &sets.prefixes4, &sets.prefixes6}) {
    const auto comma = rest.find(',');
    *name = rest.substr(0, comma);
    if (comma == std::string_view::npos) return !names(sets).empty();
    rest.remove_prefix(comma + 1);
  }
  return false;  // a fifth
}

}  // namespace

std::unique_ptr<Backend> TableMaker::make(const std::string& kind, const std::string& place, std::string& error) {
  if (kind == "file") return std::make_unique<FileTable>(place, std::vector<std::string>{});
  if (kind == "program") return std::make_unique<ProgramTable>(std::vector<std::string>{place});
  if (kind == "pfctl") {
    auto [anchor, name] = pf_name(place);
    return std::make_unique<Pfctl>(PfctlConfig{options_.pfctl, anchor, name});
  }
  if (kind == "nft") {
    NftSets sets;
    if (nft_names(place, sets)) return make_nft_table(std::move(sets), error);
    error = "nft:" + place + ": not FAMILY/TABLE/SET4[,SET6[,PREFIXES4[,PREFIXES6]]]";
    return nullptr;
  }
  if (!device_) device_ = open_pf_device(error);
  return device_ ? make_pf_table(*device_, pf_name(place)) : nullptr;
}

}  // namespace deferd::bridge
