// Sets of nftables, one of each family, changed through libnftables(3). Linux.
#pragma once
#include <memory>

#include "pfbridge/helper/backend.h"
#include "pfbridge/helper/nft_text.h"

namespace deferd::bridge {

/// nullptr, and why, where it is built without nftables.
std::unique_ptr<Backend> make_nft_table(NftSets sets, std::string& error);

}  // namespace deferd::bridge
