// pf's half of the ioctls, for tests.
#pragma once
#include <arpa/inet.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "pfbridge/helper/pf_device.h"

namespace deferd::bridge::pf {

inline Entry entry(const char* text) { return *Entry::parse(text); }

/// The kernel's half as measured on FreeBSD 13.2 and 15.1: what it checks, what it counts, what it leaves alone.
template <class System>
class FakePf : public Device {
 public:
  using Address = typename System::Address;
  using Bytes = std::vector<std::uint8_t>;

  int control(unsigned long request, void* argument) override {
    ++calls;
    if (fail_at == calls) return failure;
    if (request == System::kNatLook) return look(*static_cast<typename System::NatLook*>(argument));
    auto& wanted = *static_cast<TableRequest*>(argument);
    return request == kAddTables ? create(wanted) : addresses(request, wanted);
  }

  std::map<std::string, std::set<Bytes>> tables;  // by anchor/name
  std::size_t grows_by = 0;                       // so many entries come in after each look that found too little room
  int calls = 0, fail_at = 0, failure = 0;
  std::size_t largest = 0;

 private:
  static std::string key(const Table& table) { return std::string(table.anchor) + '/' + table.name; }

  int create(TableRequest& request) {
    if (request.element_size != sizeof(Table)) return ENODEV;
    const auto& table = *static_cast<const Table*>(request.buffer);
    if (!(table.flags & kPersist)) return EINVAL;
    request.added = tables.try_emplace(key(table)).second ? 1 : 0;
    return 0;
  }

  int addresses(unsigned long number, TableRequest& request) {
    if (request.element_size != sizeof(Address)) return ENODEV;
    if (request.size > 65535) return EINVAL;
    const auto found = tables.find(key(request.table));
    if (found == tables.end()) return ESRCH;
    auto& table = found->second;
    largest = std::max(largest, static_cast<std::size_t>(request.size));
    auto* const given = static_cast<Address*>(request.buffer);
    const auto bytes = [](const Address& one) {
      Bytes copy(sizeof one);
      std::memcpy(copy.data(), &one, sizeof one);
      return copy;
    };
    if (number == kGetAddresses) {
      if (static_cast<std::size_t>(request.size) < table.size()) {
        request.size = static_cast<std::int32_t>(table.size());
        for (std::size_t i = 0; i < grows_by; ++i)
          table.insert(bytes(Tables<System>::encode(entry(("10.9.0." + std::to_string(next_++)).c_str()))));
        return 0;
      }
      std::size_t at = 0;
      for (const auto& one : table) std::memcpy(given + at++, one.data(), one.size());
      request.size = static_cast<std::int32_t>(at);
      return 0;
    }
    for (int i = 0; i < request.size; ++i) {
      if (number == kAddAddresses) request.added += table.insert(bytes(given[i])).second;
      if (number == kDeleteAddresses) request.deleted += static_cast<std::int32_t>(table.erase(bytes(given[i])));
    }
    return 0;
  }

  int look(typename System::NatLook& state) {
    if (state.direction != kOut || state.protocol != kTcp) return ENOENT;
    if (ntohs(state.source_port) != 40000 || ntohs(state.target_port) != 8025) return ENOENT;
    std::memcpy(state.real_target, state.target, 16);
    const std::uint8_t meant[4] = {203, 0, 113, 25};
    if (state.family == kInet) std::memcpy(state.real_target, meant, 4);
    state.real_target_port = htons(25);
    return 0;
  }

  int next_ = 0;
};

}  // namespace deferd::bridge::pf
