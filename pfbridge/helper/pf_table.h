// A table of pf changed by ioctls on /dev/pf. FreeBSD and OpenBSD; elsewhere open() says so.
#pragma once
#include <memory>

#include "pfbridge/helper/backend.h"
#include "pfbridge/helper/pf_device.h"

namespace deferd::bridge {

/// /dev/pf of this machine, open for reading and writing. One for all tables; make it before privileges are dropped.
std::unique_ptr<pf::Device> open_pf_device(std::string& error);

/// `device` outlives it.
std::unique_ptr<Backend> make_pf_table(pf::Device& device, pf::TableName table);

/// The same with the structures of the named system: for tests.
template <class System>
std::unique_ptr<Backend> make_pf_table_of(pf::Device& device, pf::TableName table);
extern template std::unique_ptr<Backend> make_pf_table_of<pf::FreeBsd>(pf::Device&, pf::TableName);
extern template std::unique_ptr<Backend> make_pf_table_of<pf::OpenBsd>(pf::Device&, pf::TableName);

/// Where a redirected client meant to go: pf::Tables::original_destination() of this machine's system.
std::optional<Endpoint> pf_original_destination(pf::Device& device, const Endpoint& peer, const Endpoint& local);

}  // namespace deferd::bridge
