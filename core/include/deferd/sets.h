// Sets of addresses that plugins show each other: in memory, replaced as a whole, gone with whoever shows them. The tables
// (deferd/tables.h) are for single rows that last; a block list of millions of prefixes is shown here.
#pragma once
#include <cstdint>
#include <memory>
#include <string_view>

#include "deferd/prefix_set.h"

namespace deferd {

/// Clients that `blacklist` would turn away or tag.
inline constexpr std::string_view kBlack = "black";
/// Clients that are exempt by their address: shown by the daemon itself, at a reload when it is taken. Who is exempt by name, by
/// logging in or by a certificate is in no set.
inline constexpr std::string_view kExempt = "exempt";

/// Thread-safe. A PrefixSet crosses between plugins here, so its insides are frozen within a major ABI like a Value's.
class Sets {
 public:
  virtual ~Sets() = default;

  /// From now on `set` is what this plugin shows under `name`, instead of what it showed before; null: nothing. What several
  /// plugins (or the old and the new one of a reload) show under one name is united, which is linear in their sizes. Nothing is
  /// shown any more once the plugin is gone.
  virtual void show(std::string_view name, std::shared_ptr<const PrefixSet> set) = 0;

  /// What is shown now; null if nothing is. From the first call on the name is wanted().
  virtual std::shared_ptr<const PrefixSet> get(std::string_view name) = 0;

  /// Whether anybody ever asked for it: a set that takes time and memory to make need not be shown to nobody.
  virtual bool wanted(std::string_view name) const = 0;

  /// Another number whenever something else is shown, under whatever name: for who polls.
  virtual std::uint64_t version() const = 0;
};

}  // namespace deferd
