#include "identity.h"

namespace deferd::greylist {

std::string Identity::key() const {
  const auto bytes = prefix.address().bytes();
  std::string key(1, kind == Kind::address ? 'a' : 'n');
  auto size = bytes.size();
  if (kind == Kind::prefix) {  // a /24 needs three bytes; one more tells how long it is and of which family
    key += static_cast<char>(prefix.length() + (prefix.address().is_v4() ? 128 : 0));
    size = static_cast<std::size_t>(prefix.length() + 7) / 8;
  }
  for (const auto byte : bytes.first(size)) key += static_cast<char>(byte);
  return key;
}

std::string Identity::to_string() const { return prefix.to_string(); }

Identity identify(const Address& client, int ipv4_prefix, int ipv6_prefix) {
  const Prefix prefix(client, client.is_v4() ? ipv4_prefix : ipv6_prefix);
  return {prefix.is_host() ? Kind::address : Kind::prefix, prefix};
}

}  // namespace deferd::greylist
