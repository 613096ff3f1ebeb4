// The structures and request numbers of /dev/pf, written out: the systems' own headers differ, are not installed everywhere, and
// are absent where this is tested. pf(4) of FreeBSD 13 to 15 and of OpenBSD 7; 64-bit systems only. 32-bit Linux, which has no
// pf, compiles it as well: there the pointer is smaller.
//
// Both systems have the same numbers and outer structures for tables; addresses and DIOCNATLOOK differ, and so does AF_INET6.
#pragma once
#include <cstddef>
#include <cstdint>

namespace deferd::bridge::pf {

inline constexpr bool kHas64Bits = sizeof(void*) == 8;

/// _IOWR('D', number, size): both directions, thirteen bits of size.
constexpr unsigned long request(unsigned number, std::size_t size) {
  return 0xC0000000UL | (size & 0x1fff) << 16 | 'D' << 8 | number;
}

inline constexpr std::size_t kMaxName = 31;      ///< Of a table, without the NUL.
inline constexpr std::size_t kMaxAnchor = 1023;  ///< Of an anchor's path.

struct Table {
  char anchor[1024];
  char name[32];
  std::uint32_t flags;
  std::uint8_t feedback;
  std::uint8_t padding[3];
};
static_assert(offsetof(Table, name) == 1024 && offsetof(Table, flags) == 1056 && offsetof(Table, feedback) == 1060);
static_assert(sizeof(Table) == 1064);

inline constexpr std::uint32_t kPersist = 1;  // Table::flags

struct TableRequest {
  Table table;
  void* buffer;
  std::int32_t element_size;
  std::int32_t size;       ///< Elements in `buffer`, or room for them.
  std::int32_t more_size;  ///< For DIOCRSETADDRS only.
  std::int32_t added;      ///< Also what DIOCRTSTADDRS matched.
  std::int32_t deleted;
  std::int32_t changed;
  std::int32_t flags;
  std::uint32_t ticket;
};
static_assert(!kHas64Bits || (offsetof(TableRequest, buffer) == 1064 && offsetof(TableRequest, element_size) == 1072));
static_assert(!kHas64Bits || (offsetof(TableRequest, size) == 1076 && offsetof(TableRequest, more_size) == 1080));
static_assert(!kHas64Bits || (offsetof(TableRequest, added) == 1084 && offsetof(TableRequest, deleted) == 1088));
static_assert(!kHas64Bits || (offsetof(TableRequest, changed) == 1092 && offsetof(TableRequest, flags) == 1096));
static_assert(!kHas64Bits || (offsetof(TableRequest, ticket) == 1100 && sizeof(TableRequest) == 1104));

inline constexpr unsigned long kAddTables = request(61, sizeof(TableRequest));
inline constexpr unsigned long kAddAddresses = request(67, sizeof(TableRequest));
inline constexpr unsigned long kDeleteAddresses = request(68, sizeof(TableRequest));
inline constexpr unsigned long kGetAddresses = request(70, sizeof(TableRequest));
inline constexpr unsigned long kTestAddresses = request(73, sizeof(TableRequest));
static_assert(!kHas64Bits || (kAddTables == 0xC450443D && kAddAddresses == 0xC4504443 && kDeleteAddresses == 0xC4504444));
static_assert(!kHas64Bits || (kGetAddresses == 0xC4504446 && kTestAddresses == 0xC4504449));

inline constexpr std::uint8_t kInet = 2;  ///< AF_INET of both.
inline constexpr std::uint8_t kTcp = 6;
inline constexpr std::uint8_t kOut = 2;  ///< PF_OUT

struct FreeBsd {
  static constexpr std::uint8_t kInet6 = 28;

  struct Address {
    std::uint8_t bytes[16];
    std::uint8_t family;
    std::uint8_t length;
    std::uint8_t negated;
    std::uint8_t feedback;
  };
  static_assert(offsetof(Address, family) == 16 && offsetof(Address, length) == 17 && offsetof(Address, negated) == 18);
  static_assert(sizeof(Address) == 20);

  struct NatLook {
    std::uint8_t source[16], target[16], real_source[16], real_target[16];
    std::uint16_t source_port, target_port, real_source_port, real_target_port;  // network order
    std::uint8_t family, protocol, direction;
  };
  static_assert(offsetof(NatLook, real_target) == 48 && offsetof(NatLook, source_port) == 64);
  static_assert(offsetof(NatLook, real_target_port) == 70 && offsetof(NatLook, family) == 72);
  static_assert(offsetof(NatLook, direction) == 74 && sizeof(NatLook) == 76);
  static constexpr unsigned long kNatLook = request(23, sizeof(NatLook));
  static_assert(kNatLook == 0xC04C4417);
};

struct OpenBsd {
  static constexpr std::uint8_t kInet6 = 24;

  struct Address {
    std::uint8_t bytes[16];
    char interface[16];
    std::uint32_t states;
    std::uint16_t weight;
    std::uint8_t family;
    std::uint8_t length;
    std::uint8_t negated;
    std::uint8_t feedback;
    std::uint8_t type;
    std::uint8_t padding[9];
  };
  static_assert(offsetof(Address, states) == 32 && offsetof(Address, weight) == 36 && offsetof(Address, family) == 38);
  static_assert(offsetof(Address, length) == 39 && offsetof(Address, negated) == 40 && offsetof(Address, feedback) == 41);
  static_assert(offsetof(Address, type) == 42 && sizeof(Address) == 52);

  struct NatLook {
    std::uint8_t source[16], target[16], real_source[16], real_target[16];
    std::uint16_t domain, real_domain;
    std::uint16_t source_port, target_port, real_source_port, real_target_port;  // network order
    std::uint8_t family, protocol, direction;
    std::uint8_t padding;
  };
  static_assert(offsetof(NatLook, domain) == 64 && offsetof(NatLook, source_port) == 68);
  static_assert(offsetof(NatLook, real_target_port) == 74 && offsetof(NatLook, family) == 76);
  static_assert(offsetof(NatLook, direction) == 78 && sizeof(NatLook) == 80);
  static constexpr unsigned long kNatLook = request(23, sizeof(NatLook));
  static_assert(kNatLook == 0xC0504417);
};

}  // namespace deferd::bridge::pf
