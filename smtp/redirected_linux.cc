#ifdef __linux__
#include <netinet/in.h>

#include "smtp/redirected.h"

namespace deferd::smtp {

// Of <linux/netfilter_ipv4.h> and <linux/netfilter_ipv6/ip6_tables.h>, which do not go together with <netinet/in.h>.
constexpr int kOriginalDestination = 80;

bool destination_before_redirect(int socket, bool v4, sockaddr_storage& out) {
  socklen_t size = sizeof out;
  return ::getsockopt(socket, v4 ? IPPROTO_IP : IPPROTO_IPV6, kOriginalDestination, &out, &size) == 0;
}

}  // namespace deferd::smtp
#endif
