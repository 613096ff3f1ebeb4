#include "pfbridge/helper/pf_device.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace deferd::bridge::pf {
namespace {

// False: a name that the kernel would not take.
bool fill(Table& table, const TableName& name) {
  table = {};
  if (name.name.empty() || name.name.size() > kMaxName || name.anchor.size() > kMaxAnchor) return false;
  name.anchor.copy(table.anchor, kMaxAnchor);
  name.name.copy(table.name, kMaxName);
  return true;
}

TableRequest request_for(const Table& table, void* buffer, std::size_t element_size, std::size_t count) {
  TableRequest request{};
  request.table = table;
  request.buffer = buffer;
  request.element_size = static_cast<std::int32_t>(element_size);
  request.size = static_cast<std::int32_t>(count);
  return request;
}

}  // namespace

template <class System>
typename System::Address Tables<System>::encode(const Entry& entry) {
  typename System::Address address{};
  std::copy(entry.bytes.begin(), entry.bytes.end(), address.bytes);
  address.family = entry.family == Family::v4 ? kInet : System::kInet6;
  address.length = entry.length;
  return address;
}

template <class System>
std::optional<Entry> Tables<System>::decode(const typename System::Address& address) {
  if (address.negated) return std::nullopt;
  if (address.family != kInet && address.family != System::kInet6) return std::nullopt;
  std::array<std::uint8_t, 16> bytes{};
  const bool v4 = address.family == kInet;
  std::copy_n(address.bytes, v4 ? 4 : 16, bytes.begin());
  // Not Entry::make(): a mapped address in a table is an entry of its own, and must stay one to be deleted.
  Entry entry;
  entry.family = v4 ? Family::v4 : Family::v6;
  entry.bytes = bytes;
  entry.length = std::min<std::uint8_t>(address.length, static_cast<std::uint8_t>(entry.bits()));
  return entry;
}

template <class System>
Outcome Tables<System>::create(const TableName& name) {
  Table table;
  if (!fill(table, name)) return {EINVAL, 0};
  table.flags = kPersist;
  // The table is the element here; the request's own must be empty.
  auto request = request_for(Table{}, &table, sizeof table, 1);
  const int error = device_.control(kAddTables, &request);
  return {error, error ? 0u : static_cast<std::uint32_t>(request.added)};
}

template <class System>
Outcome Tables<System>::change(unsigned long number, std::int32_t TableRequest::*count, const TableName& name,
                               std::span<const Entry> entries) {
  Table table;
  if (!fill(table, name)) return {EINVAL, 0};
  Outcome outcome;
  std::vector<typename System::Address> addresses;
  while (!entries.empty()) {
    const auto some = entries.first(std::min(kChunk, entries.size()));
    entries = entries.subspan(some.size());
    addresses.clear();
    for (const Entry& entry : some) addresses.push_back(encode(entry));
    auto request = request_for(table, addresses.data(), sizeof addresses[0], addresses.size());
    outcome.error = device_.control(number, &request);
    if (outcome.error != 0) break;
    outcome.count += static_cast<std::uint32_t>(request.*count);
  }
  return outcome;
}

template <class System>
Outcome Tables<System>::add(const TableName& table, std::span<const Entry> entries) {
  return change(kAddAddresses, &TableRequest::added, table, entries);
}

template <class System>
Outcome Tables<System>::remove(const TableName& table, std::span<const Entry> entries) {
  return change(kDeleteAddresses, &TableRequest::deleted, table, entries);
}

template <class System>
Outcome Tables<System>::read(const TableName& name, std::vector<Entry>& entries) {
  Table table;
  if (!fill(table, name)) return {EINVAL, 0};
  std::vector<typename System::Address> addresses(64);
  // A table may grow between two calls: ask again with more room than it said it needs, a bounded number of times.
  for (int attempt = 0; attempt < 16; ++attempt) {
    auto request = request_for(table, addresses.data(), sizeof addresses[0], addresses.size());
    if (const int error = device_.control(kGetAddresses, &request)) return {error, 0};
    const auto present = static_cast<std::size_t>(std::max(request.size, 0));
    if (present > addresses.size()) {
      addresses.resize(present + present / 8 + 64);
      continue;
    }
    addresses.resize(present);
    Outcome outcome;
    for (const auto& address : addresses)
      if (const auto entry = decode(address)) {
        entries.push_back(*entry);
        ++outcome.count;
      }
    return outcome;
  }
  return {EAGAIN, 0};
}

template <class System>
Outcome Tables<System>::exists(const TableName& name) {
  Table table;
  if (!fill(table, name)) return {EINVAL, 0};
  auto request = request_for(table, nullptr, sizeof(typename System::Address), 0);
  return {device_.control(kGetAddresses, &request), 0};
}

template <class System>
std::optional<Endpoint> Tables<System>::original_destination(const Endpoint& peer, const Endpoint& local) {
  if (peer.address.family != local.address.family) return std::nullopt;
  typename System::NatLook look{};
  std::copy(peer.address.bytes.begin(), peer.address.bytes.end(), look.source);
  std::copy(local.address.bytes.begin(), local.address.bytes.end(), look.target);
  look.source_port = htons(peer.port);
  look.target_port = htons(local.port);
  look.family = peer.address.family == Family::v4 ? kInet : System::kInet6;
  look.protocol = kTcp;
  look.direction = kOut;
  if (device_.control(System::kNatLook, &look) != 0) return std::nullopt;
  std::array<std::uint8_t, 16> bytes{};
  const bool v4 = peer.address.family == Family::v4;
  std::copy_n(look.real_target, v4 ? 4 : 16, bytes.begin());
  return Endpoint{Entry::make(peer.address.family, bytes, peer.address.bits()), ntohs(look.real_target_port)};
}

template class Tables<FreeBsd>;
template class Tables<OpenBsd>;

}  // namespace deferd::bridge::pf
