// Reads a list as its bytes come, line by line. Pure, bounded: what a broken or hostile source sends costs neither memory nor
// logs.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/prefix_set.h"
#include "line.h"
#include "line_splitter.h"

namespace deferd::blacklist {

/// What a list held.
struct Content {
  PrefixSet set;
  std::uint64_t entries = 0;         ///< Good lines.
  std::uint64_t bad = 0;             ///< Lines that could not be read; they are left out.
  std::uint64_t warned = 0;          ///< Good lines that were made good.
  std::vector<std::string> remarks;  ///< `line 7: '10.0.0.5/24': ...`, of both, at most kMostRemarks.
};

class ListReader {
 public:
  static constexpr std::size_t kMostRemarks = 20;

  /// A range counts as one entry, and as all the prefixes it is split into: no more of either than `most_entries`. What a text
  /// takes in memory is bounded by that, however its ranges are chosen.
  ListReader(Format format, std::uint64_t most_entries) : format_(format), most_(most_entries) {}

  /// The next bytes, cut wherever. Errors: invalid, when there are more entries, or prefixes of ranges, than may be.
  Result<void> feed(std::string_view bytes);
  /// Once, at the end. Errors as feed().
  Result<Content> finish();

 private:
  Result<void> take(std::string_view line, std::uint64_t number);
  void remark(std::string_view line, std::uint64_t number, const std::string& what);

  const Format format_;
  const std::uint64_t most_;
  std::uint64_t pieces_ = 0;
  LineSplitter lines_;
  PrefixSetBuilder builder_;
  Content content_;
};

/// Where an address stands in a list: the first line whose entry contains it.
struct Place {
  std::uint64_t line = 0;
  std::string entry;  ///< The line.
};

class PlaceFinder {
 public:
  PlaceFinder(Format format, const Address& address) : format_(format), address_(address) {}
  Result<void> feed(std::string_view bytes);  ///< Errors: conflict, when it is found: no more is needed.
  std::optional<Place> finish();

 private:
  Result<void> take(std::string_view line, std::uint64_t number);

  const Format format_;
  const Address address_;
  LineSplitter lines_;
  std::optional<Place> place_;
};

}  // namespace deferd::blacklist
