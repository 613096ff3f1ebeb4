#include "pfbridge/helper/nft_dump.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace deferd::bridge {
namespace {

constexpr std::size_t kLargestMessage = 64 * 1024;  // the kernel makes them of 32 KiB at most

// A message names its set by the same attributes, whatever it asks for.
static_assert(int{NFTA_SET_TABLE} == int{NFTA_SET_ELEM_LIST_TABLE} && int{NFTA_SET_NAME} == int{NFTA_SET_ELEM_LIST_SET});

std::uint8_t family_number(std::string_view name) {
  if (name == "ip") return NFPROTO_IPV4;
  if (name == "ip6") return NFPROTO_IPV6;
  if (name == "bridge") return NFPROTO_BRIDGE;
  if (name == "netdev") return NFPROTO_NETDEV;
  return NFPROTO_INET;
}

template <class T>
T load(std::string_view bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return value;
}

template <class T>
void append_bytes(std::string& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append_text(std::string& bytes, int type, std::string_view text) {
  append_bytes(bytes, nlattr{static_cast<std::uint16_t>(NLA_HDRLEN + text.size() + 1), static_cast<std::uint16_t>(type)});
  bytes.append(text).append(1, '\0');
  bytes.resize(NLMSG_ALIGN(bytes.size()));
}

/// Calls `use(type, content)` for each attribute.
template <class Use>
void each_attribute(std::string_view bytes, Use use) {
  while (bytes.size() >= sizeof(nlattr)) {
    const auto head = load<nlattr>(bytes);
    if (head.nla_len < sizeof head || head.nla_len > bytes.size()) return;
    use(head.nla_type & NLA_TYPE_MASK, bytes.substr(NLA_HDRLEN, head.nla_len - NLA_HDRLEN));
    bytes.remove_prefix(std::min<std::size_t>(bytes.size(), NLA_ALIGN(head.nla_len)));
  }
}

void read_element(std::string_view attributes, std::vector<NftElement>& elements) {
  NftElement element;
  bool has_key = false;  // what matches all else has none
  each_attribute(attributes, [&](int type, std::string_view content) {
    if (type == NFTA_SET_ELEM_FLAGS)
      element.begins = (ntohl(load<std::uint32_t>(content)) & NFT_SET_ELEM_INTERVAL_END) == 0;
    else if (type == NFTA_SET_ELEM_KEY)
      each_attribute(content, [&](int inner, std::string_view key) {
        if (inner != NFTA_DATA_VALUE || (key.size() != 4 && key.size() != 16)) return;
        element.family = key.size() == 4 ? Family::v4 : Family::v6;
        std::copy(key.begin(), key.end(), element.bytes.begin());
        has_key = true;
      });
  });
  if (has_key) elements.push_back(element);
}

using Key = std::array<std::uint8_t, 16>;

std::size_t size_of(Family family) { return family == Family::v4 ? 4 : 16; }

/// The address before, of one that is not the first.
Key before(Family family, Key bytes) {
  for (auto i = size_of(family); i-- > 0;)
    if (bytes[i]-- != 0) break;
  return bytes;
}

void append_interval(Family family, const Key& first, const Key& last, std::vector<Entry>& entries) {
  const auto bit = [](const Key& bytes, int index) {
    return (bytes[static_cast<std::size_t>(index / 8)] >> (7 - index % 8)) & 1;
  };
  const int bits = static_cast<int>(size_of(family)) * 8;
  int length = 0;
  while (length < bits && bit(first, length) == bit(last, length)) ++length;
  for (int index = length; index < bits; ++index)
    if (bit(first, index) != 0 || bit(last, index) != 1) return;
  entries.push_back(Entry::make(family, first, length));
}

}  // namespace

void read_nft_elements(std::string_view attributes, std::vector<NftElement>& elements) {
  each_attribute(attributes, [&](int type, std::string_view list) {
    if (type != NFTA_SET_ELEM_LIST_ELEMENTS) return;
    each_attribute(list, [&](int inner, std::string_view element) {
      if (inner == NFTA_LIST_ELEM) read_element(element, elements);
    });
  });
}

void append_entries(std::vector<NftElement>& elements, bool intervals, std::vector<Entry>& entries) {
  if (!intervals) {
    for (const auto& element : elements) entries.push_back(Entry::make(element.family, element.bytes, 128));
    return;
  }
  // Where one ends and another one begins there may be one element or both; the last one may have no end.
  std::sort(elements.begin(), elements.end());
  const NftElement* open = nullptr;
  for (const auto& element : elements) {
    if (open && element.bytes > open->bytes)
      append_interval(open->family, open->bytes, before(open->family, element.bytes), entries);
    open = element.begins ? &element : nullptr;
  }
  if (!open) return;
  Key last{};
  std::fill_n(last.begin(), size_of(open->family), std::uint8_t{0xff});
  append_interval(open->family, open->bytes, last, entries);
}

NftDump::NftDump() : socket_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER)) {}

NftDump::~NftDump() {
  if (socket_ >= 0) ::close(socket_);
}

int NftDump::send(int type, int flags, const Place& place) {
  std::string request;
  append_bytes(request, nlmsghdr{0, static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type),
                                 static_cast<std::uint16_t>(NLM_F_REQUEST | flags), ++sequence_, 0});
  append_bytes(request, nfgenmsg{family_number(place.family), NFNETLINK_V0, 0});
  append_text(request, NFTA_SET_TABLE, place.table);
  append_text(request, NFTA_SET_NAME, place.set);
  const auto length = static_cast<std::uint32_t>(request.size());
  std::memcpy(request.data(), &length, sizeof length);
  changed_meanwhile_ = false;
  // Not send(2), which is a system call of its own on some processors, and not one that the helper may use.
  return ::sendto(socket_, request.data(), request.size(), 0, nullptr, 0) < 0 ? errno : 0;
}

/// Calls `use(attributes)` for each message that comes at once. 0, or an errno.
template <class Use>
int NftDump::receive_some(bool& more, Use use) {
  more = false;
  std::vector<char> buffer(kLargestMessage);
  const auto got = ::recv(socket_, buffer.data(), buffer.size(), 0);
  if (got < 0 && errno != EINTR) return errno;
  std::string_view bytes(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  while (bytes.size() >= NLMSG_HDRLEN) {
    const auto head = load<nlmsghdr>(bytes);
    if (head.nlmsg_len < NLMSG_HDRLEN || head.nlmsg_len > bytes.size()) return EBADMSG;
    const auto content = bytes.substr(NLMSG_HDRLEN, head.nlmsg_len - NLMSG_HDRLEN);
    bytes.remove_prefix(std::min<std::size_t>(bytes.size(), NLMSG_ALIGN(head.nlmsg_len)));
    if (head.nlmsg_seq != sequence_) continue;
    changed_meanwhile_ = changed_meanwhile_ || (head.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    if (head.nlmsg_type == NLMSG_DONE || head.nlmsg_type == NLMSG_ERROR) {
      const int error = -load<std::int32_t>(content);
      return error == 0 && changed_meanwhile_ ? EINTR : error;
    }
    if (content.size() >= sizeof(nfgenmsg)) use(content.substr(NLMSG_ALIGN(sizeof(nfgenmsg))));
  }
  more = true;
  return 0;
}

int NftDump::find(const Place& place, bool& has_intervals) {
  int error = send(NFT_MSG_GETSET, NLM_F_ACK, place);
  for (bool more = true; more && error == 0;)
    error = receive_some(more, [&](std::string_view attributes) {
      each_attribute(attributes, [&](int type, std::string_view content) {
        if (type == NFTA_SET_FLAGS) has_intervals = (ntohl(load<std::uint32_t>(content)) & NFT_SET_INTERVAL) != 0;
      });
    });
  return error;
}

int NftDump::begin(const Place& place) { return send(NFT_MSG_GETSETELEM, NLM_F_DUMP, place); }

int NftDump::receive(std::vector<NftElement>& elements, bool& more) {
  return receive_some(more, [&](std::string_view attributes) { read_nft_elements(attributes, elements); });
}

}  // namespace deferd::bridge
