// What the configuration comes to: which lists are to be fetched, and what it means to be on one.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "config.h"
#include "deferd/time.h"
#include "source_spec.h"

namespace deferd::blacklist {

/// How one list is fetched and what it may be. Equal ones are the same list, also across a reload.
struct FeedSpec {
  std::string name;
  SourceSpec source;
  Format format = Format::plain;
  Duration every{};    ///< 0: once.
  Duration max_age{};  ///< 0: for ever.
  Duration timeout{};
  std::uint64_t min_entries = 0, max_entries = 0, max_bytes = 0, max_ipv4 = 0, max_ipv6 = 0;
  std::string sha256;  ///< Small hex digits; empty: anything.
  std::string ca_file;
  bool white = false;  ///< Taken out of others: better an old one than none.

  bool operator==(const FeedSpec&) const = default;
};

/// What it means to be on a list.
struct Listing {
  std::size_t feed = 0;               ///< In Plan::feeds.
  std::vector<std::size_t> excepted;  ///< Feeds whose addresses do not count as on it.
  ListAction action = ListAction::defer;
  std::string message;
  std::vector<std::string> tags;
};

struct Plan {
  std::vector<FeedSpec> feeds;
  std::vector<Listing> listings;      ///< In the order in which they are asked.
  std::vector<std::size_t> excepted;  ///< Feeds that are subtracted from whatever comes by the configuration port.
};

/// How often a list of that kind is looked at unless the operator says otherwise; 0: once.
Duration usual_every(SourceSpec::Kind kind);

/// Reads spamd_conf if there is one, and the message files it names. What is wrong with them goes to `errors`.
Plan make_plan(const Config& config, std::vector<std::string>& errors);

}  // namespace deferd::blacklist
