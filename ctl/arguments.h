// The command line of deferctl.
#pragma once
#include <CLI/CLI.hpp>
#include <chrono>
#include <string>
#include <vector>

namespace deferd::ctl {

struct Arguments {
  std::string socket;
  bool json = false;
  std::string table;              ///< list, add
  std::string verb;               ///< lists, bridge: what is to be done; empty: show them
  std::string what;               ///< show, add, delete, release, expect, explain, backup, import, migrate
  std::string lasting;            ///< --for
  std::string format = "spamdb";  ///< import, export
  bool dry_run = false;           ///< import, migrate
  std::string spamd_conf, flags, rc, white_file, nospamd_file, rules;  ///< migrate spamd
  std::string note;
  std::string helo, from, to, name;
  std::string interface;  ///< pf-rules: where strangers come in; empty: as the file or the default route has it.
  bool listed_only = false;
  bool order = false;
  bool watch = false;
  std::string every = "2s";
  std::vector<std::string> domains;  ///< spf walk
  std::string server;                ///< spf walk: who is asked; empty: the system's
  unsigned count = 0;                ///< Of refreshes; 0: until interrupted.
};

/// Fills `app` with every command and option; the values land in `arguments`, which outlives it.
void describe(CLI::App& app, Arguments& arguments);

}  // namespace deferd::ctl
