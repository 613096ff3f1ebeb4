// What pf remembers of a connection that `rdr` or `rdr-to` led to us: DIOCNATLOOK of pf(4).
#pragma once
#include <optional>

#include "pfbridge/helper/pf_device.h"
#include "smtp/original_destination.h"

namespace deferd::smtp {

/// Where `client` meant to go when he was led to `own`; `own` if pf let him through as he came. nullopt: pf has no such state
/// (any more). `System` is pf::FreeBsd or pf::OpenBsd.
template <class System>
std::optional<Endpoint> destination_before_rdr(bridge::pf::Device& device, const Endpoint& client, const Endpoint& own);

extern template std::optional<Endpoint> destination_before_rdr<bridge::pf::FreeBsd>(bridge::pf::Device&, const Endpoint&,
                                                                                    const Endpoint&);
extern template std::optional<Endpoint> destination_before_rdr<bridge::pf::OpenBsd>(bridge::pf::Device&, const Endpoint&,
                                                                                    const Endpoint&);

}  // namespace deferd::smtp
