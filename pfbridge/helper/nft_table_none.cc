// Where there is no nftables.
#include "pfbridge/helper/nft_table.h"

namespace deferd::bridge {

std::unique_ptr<Backend> make_nft_table(NftSets, std::string& error) {
  error = "built without nftables";
  return nullptr;
}

}  // namespace deferd::bridge
