// What sets of nftables hold, asked of the kernel itself (netlink(7)), which tells it in pieces: the set can be changed between
// them. The whole takes 2 s for 200,000 hosts, and libnftables, which makes a text of it, as long again.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "pfbridge/helper/entry.h"

namespace deferd::bridge {

/// An element as the kernel keeps it. In a set with intervals each is a place where one begins, or where none is any more.
struct NftElement {
  Family family = Family::v4;
  std::array<std::uint8_t, 16> bytes{};
  bool begins = true;
  bool operator==(const NftElement&) const = default;
  bool operator<(const NftElement& other) const {  // libc++ before 17 has no <=> for arrays
    return std::tie(family, bytes, begins) < std::tie(other.family, other.bytes, other.begins);
  }
};

/// Appends the elements that a message of the kernel tells of: the attributes of NFT_MSG_NEWSETELEM.
void read_nft_elements(std::string_view attributes, std::vector<NftElement>& elements);

/// Appends what they are, and sorts them. Intervals that are no prefix, which others put there, are left out.
void append_entries(std::vector<NftElement>& elements, bool intervals, std::vector<Entry>& entries);

/// One conversation with the kernel. One thread. Needs CAP_NET_ADMIN.
class NftDump {
 public:
  NftDump();
  ~NftDump();
  NftDump(const NftDump&) = delete;
  NftDump& operator=(const NftDump&) = delete;

  /// A set of a table, as nft(8) writes them: `inet`, `deferd`, `white4`.
  struct Place {
    std::string_view family, table, set;
  };
  /// 0, or an errno: ENOENT if there is no such set.
  int find(const Place& place, bool& has_intervals);

  /// Asks for what the set holds; then receive() is called while there is more. 0, or an errno.
  int begin(const Place& place);
  /// Appends some of it. 0, or an errno; at its end EINTR, if the set was changed meanwhile: some may be there twice or not at
  /// all.
  int receive(std::vector<NftElement>& elements, bool& more);

 private:
  int send(int type, int flags, const Place& place);
  template <class Use>
  int receive_some(bool& more, Use use);

  int socket_ = -1;
  std::uint32_t sequence_ = 0;
  bool changed_meanwhile_ = false;
};

}  // namespace deferd::bridge
