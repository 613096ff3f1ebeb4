#include "smtp/pf_redirection.h"

#include <algorithm>
#include <array>

namespace deferd::smtp {
namespace {

bridge::Endpoint as_pf_has_it(const Endpoint& one) {
  std::array<std::uint8_t, 16> bytes{};
  const auto its = one.address.bytes();
  std::copy(its.begin(), its.end(), bytes.begin());
  const auto family = one.address.is_v4() ? bridge::Family::v4 : bridge::Family::v6;
  return {bridge::Entry::make(family, bytes, one.address.bits()), one.port};
}

Endpoint as_we_have_it(const bridge::Endpoint& one) {
  const auto& bytes = one.address.bytes;
  if (one.address.family == bridge::Family::v6) return {Address::v6(bytes), one.port};
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) number = number << 8 | bytes[i];
  return {Address::v4(number), one.port};
}

}  // namespace

template <class System>
std::optional<Endpoint> destination_before_rdr(bridge::pf::Device& device, const Endpoint& client, const Endpoint& own) {
  const auto found = bridge::pf::Tables<System>(device).original_destination(as_pf_has_it(client), as_pf_has_it(own));
  return found ? std::optional(as_we_have_it(*found)) : std::nullopt;
}

template std::optional<Endpoint> destination_before_rdr<bridge::pf::FreeBsd>(bridge::pf::Device&, const Endpoint&,
                                                                             const Endpoint&);
template std::optional<Endpoint> destination_before_rdr<bridge::pf::OpenBsd>(bridge::pf::Device&, const Endpoint&,
                                                                             const Endpoint&);

}  // namespace deferd::smtp
