#include "smtp/bound.h"

namespace deferd::smtp {
namespace {

constexpr int kBacklog = 4096;  // the system takes what it allows (net.core.somaxconn)

}  // namespace

Result<Listener> open_listener(const SmtpAddress& address, const SocketOwner& owner) {
  if (address.is_unix()) return Listener::open(address.path, owner, kBacklog);
  auto where = address.tcp;
  where.freebind = true;
  return Listener::open(where, kBacklog);
}

std::vector<Bound> bind_tcp(const std::vector<SmtpAddress>& addresses) {
  std::vector<Bound> bound;
  for (const auto& address : addresses) {
    if (address.is_unix()) continue;
    auto listener = open_listener(address, {});
    if (!listener && listener.error().code == Errc::unavailable)
      bound.push_back({address, std::nullopt});
    else
      bound.push_back({address, or_throw(std::move(listener))});
  }
  return bound;
}

std::optional<Bound> take_bound(std::vector<Bound>& bound, const SmtpAddress& address) {
  for (auto& one : bound)
    if (one.address == address && (!one.listener || one.listener->descriptor() >= 0)) return std::move(one);
  return std::nullopt;
}

}  // namespace deferd::smtp
