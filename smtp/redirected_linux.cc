#include <netinet/in.h>

#include "smtp/redirected.h"

namespace deferd::smtp {

// Of <linux/netfilter_ipv4.h> and <linux/netfilter_ipv6/ip6_tables.h>, which do not go together with <netinet/in.h>.
constexpr int kOriginalDestination = 80;

std::string open_redirections() { return {}; }  // everybody may ask

std::optional<Endpoint> destination_before_redirect(int socket, const Endpoint& own) {
  sockaddr_storage before{};
  socklen_t size = sizeof before;
  const int level = own.address.is_v4() ? IPPROTO_IP : IPPROTO_IPV6;
  if (::getsockopt(socket, level, kOriginalDestination, &before, &size) != 0) return std::nullopt;
  return endpoint_of(before);
}

}  // namespace deferd::smtp
