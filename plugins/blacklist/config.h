// What an operator writes under `blacklist`.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "deferd/schema.h"
#include "line.h"

namespace deferd::blacklist {

/// What becomes of clients on a list.
enum class ListAction : std::uint8_t { defer, reject, tag, accept };

struct ListConfig {
  std::string name;
  std::string file, url;
  std::vector<std::string> exec, entries;
  Format format = Format::plain;
  bool white = false;
  std::vector<std::string> only;
  ListAction action = ListAction::defer;
  std::string message = "Your address %A is on a list of senders of unwanted mail";
  std::vector<std::string> tags;
  std::optional<std::chrono::seconds> every;
  std::chrono::seconds max_age = std::chrono::hours{24 * 7};
  std::chrono::seconds timeout = std::chrono::minutes{5};
  std::uint64_t min_entries = 1;
  std::uint64_t max_entries = 10'000'000;
  std::uint32_t max_mib = 256;
  std::uint64_t max_ipv4 = 1ull << 28;
  std::uint64_t max_ipv6 = 1ull << 44;
  std::string sha256;
  Mark mark;
  static Schema<ListConfig> schema();
};

struct Config {
  std::vector<ListConfig> lists;
  std::string spamd_conf;
  std::string config_port;
  ListAction action = ListAction::defer;
  std::string keep = "/var/lib/deferd/lists";
  std::string ca_file;
  static Schema<Config> schema();
};

}  // namespace deferd::blacklist

template <>
struct deferd::Choices<deferd::blacklist::ListAction> {
  static constexpr std::pair<std::string_view, blacklist::ListAction> values[] = {{"defer", blacklist::ListAction::defer},
                                                                                  {"reject", blacklist::ListAction::reject},
                                                                                  {"tag", blacklist::ListAction::tag},
                                                                                  {"accept", blacklist::ListAction::accept}};
};
