// A table changed by pfctl(8): wherever that program can be run, also as `doas pfctl` or `ssh firewall pfctl`.
//
// What it says is not relied upon: its texts differ between releases and are sometimes wrong. A status other than 0 is a failure;
// 0 is believed until the table is read back. Only canonical numeric addresses are given to it: it would resolve names, complete
// short forms and drop zones.
#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "pfbridge/helper/backend.h"

namespace deferd::bridge {

struct PfctlConfig {
  std::vector<std::string> command{"pfctl"};  ///< The program with what stands before its options: {"doas", "pfctl"}.
  std::string anchor;                         ///< Empty: the main rule set.
  std::string table;
  std::chrono::milliseconds time{30'000};  ///< For each call.
};

class Pfctl : public Backend {
 public:
  explicit Pfctl(PfctlConfig config) : config_(std::move(config)) {}

  /// Refused before check() has found the table once: adding would create a misspelt one.
  Result add(std::span<const Row> rows) override;
  Result remove(std::span<const Entry> entries) override;
  Result read(std::vector<Entry>& entries) override;
  Result check() override;

 private:
  std::vector<std::string> table_command(const char* what) const;
  Result change(const char* what, std::span<const Entry> entries);

  PfctlConfig config_;
  bool found_ = false;
};

/// Lines of `pfctl -t TABLE -T show`: three characters, then an entry. Negated ones are left out. False: not such lines, or the
/// last one is cut off.
bool read_pfctl_show(std::string_view text, std::vector<Entry>& entries);

enum class TableUse : std::uint8_t { absent, unused, used };

/// Looks for a table in the lines of `pfctl -vsT`: seven flags, a tab, the name, perhaps `@anchor`. Used: a rule refers to it, or
/// an anchor's rule.
TableUse find_pfctl_table(std::string_view text, std::string_view table);

}  // namespace deferd::bridge
