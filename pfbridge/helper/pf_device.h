// Tables of pf through ioctls on an open /dev/pf: the one way that works without privileges on FreeBSD 13 to 15 and OpenBSD
// alike. pf(4). Everything but the ioctl itself is plain code, tested with recorded values.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pfbridge/helper/entry.h"
#include "pfbridge/helper/pf_layout.h"

namespace deferd::bridge::pf {

/// The ioctl: 0, or errno.
class Device {
 public:
  virtual ~Device() = default;
  virtual int control(unsigned long request, void* argument) = 0;
};

/// So many addresses go to the kernel at once: far below FreeBSD's net.pf.request_maxcount (65,535), and large enough that the
/// calls do not count.
inline constexpr std::size_t kChunk = 4096;

/// What came of a call. If `error` is set, the chunks before the failing one are done and counted.
struct Outcome {
  int error = 0;  ///< errno: ESRCH no such table, ENOMEM limit table-entries reached, EPERM const table, EACCES read-only
                  ///< descriptor, ENODEV other structures than this kernel's.
  std::uint32_t count = 0;  ///< Really added or deleted: duplicates and absent ones are no errors.
};

struct TableName {
  std::string anchor;  ///< Empty: the main rule set.
  std::string name;
};

/// System is FreeBsd or OpenBsd. One thread.
template <class System>
class Tables {
 public:
  explicit Tables(Device& device) : device_(device) {}

  /// The kernel never creates a table by adding to it. A table made so is persistent. count 1: it is new.
  Outcome create(const TableName& table);
  Outcome add(const TableName& table, std::span<const Entry> entries);
  Outcome remove(const TableName& table, std::span<const Entry> entries);

  /// All that the table holds now; negated entries are left out. Adds to `entries`.
  Outcome read(const TableName& table, std::vector<Entry>& entries);

  /// error ESRCH: no such table. Asks for its size alone.
  Outcome exists(const TableName& table);

  /// Where the client meant to go before a redirect: `peer` is its address and port, `local` our end as getsockname(2) gives it.
  /// nullopt: no such state (any more).
  std::optional<Endpoint> original_destination(const Endpoint& peer, const Endpoint& local);

  static typename System::Address encode(const Entry& entry);
  static std::optional<Entry> decode(
      const typename System::Address& address);  ///< nullopt: negated, or of a family unknown here.

 private:
  Outcome change(unsigned long request, std::int32_t TableRequest::*count, const TableName& table,
                 std::span<const Entry> entries);

  Device& device_;
};

extern template class Tables<FreeBsd>;
extern template class Tables<OpenBsd>;

}  // namespace deferd::bridge::pf
