// Lists that come by the configuration port, by their tags.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config_line.h"
#include "copies.h"
#include "deferd/host.h"
#include "deferd/swapped.h"

namespace deferd::blacklist {

/// Their copies are called that and their tag; no other list may be.
inline constexpr std::string_view kPushedPrefix = "port.";

struct Pushed {
  ConfigLine line;
  Time came{};
};

/// Any thread. In the order in which the tags came first.
class PushedLists {
 public:
  static constexpr std::size_t kMostLists = 64;
  static constexpr std::uint64_t kMostAddresses = 1ull << 28, kMostNetworks = 1ull << 44;

  using Lists = std::vector<std::shared_ptr<const Pushed>>;
  /// Lends; only for a look-up.
  Swapped<Lists>::Reading read() const { return lists_.read(); }
  Lists all() const { return *lists_.read(); }

  /// A line as it came: replaces the list of its tag. Errors: invalid, also if it covers too much; then nothing changes.
  Result<void> take(std::string_view line, LineEnd end, const Clock& clock, const Copies& copies, Log& log);

  /// The copies of a former run. Damaged ones are logged and left out, those of other
  /// sources left alone. Only the first call does anything.
  void read_copies(const Copies& copies, Log& log);

 private:
  Result<std::shared_ptr<Pushed>> check(std::string_view line, LineEnd end, Time came) const;
  Result<void> replace(std::shared_ptr<const Pushed> pushed);  ///< Under writing_.
  Result<void> read_copy(const Copies& copies, std::string_view name);

  std::mutex writing_;
  bool copies_read_ = false;
  Swapped<Lists> lists_;
};

}  // namespace deferd::blacklist
