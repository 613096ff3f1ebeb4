#include "config.h"

#include <algorithm>

#include "deferd/tables.h"

namespace deferd::tarpit {
namespace {

using namespace std::chrono_literals;

bool is_word(const std::string& text) {
  return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) <= ' '; });
}

std::string wrong_hold(const HoldConfig& config) {
  for (const auto& tag : config.tags)
    if (!is_word(tag)) return "tags: '" + tag + "': a tag is a word without blanks";
  for (const auto& table : config.tables) {
    if (!is_word(table)) return "tables: '" + table + "': the name of a table is a word without blanks";
    if (table == kWhite) return "tables: clients in the table white are let in and cannot be held";
  }
  return {};
}

}  // namespace

Schema<HoldConfig> HoldConfig::schema() {
  return Schema<HoldConfig>{}
      .field("tags", &HoldConfig::tags, "A client with any of these tags is held.")
      .field("tables", &HoldConfig::tables, "A client in any of these tables is held.")
      .field("per_byte", &HoldConfig::per_byte, 0ms, 10s, "So long before each byte that it hears, to the end; 0 is full speed.")
      .rule(wrong_hold);
}

Schema<StrangersConfig> StrangersConfig::schema() {
  return Schema<StrangersConfig>{}
      .field("per_byte", &StrangersConfig::per_byte, 0ms, 10s, "So long before each byte; 0 is full speed from the start.")
      .field("during", &StrangersConfig::during, 0ms, 1h, "At full speed once the connection is so old; 0 goes on to the end.");
}

Schema<Config> Config::schema() {
  return Schema<Config>{}
      .field("hold", &Config::hold, "Who is kept busy to the end.")
      .field("strangers", &Config::strangers, "Everybody else who is not known yet.")
      .field("delay", &Config::delay, 0ms, 30s, "Before the reply that turns a client away; all that can be done in a milter.");
}

}  // namespace deferd::tarpit
