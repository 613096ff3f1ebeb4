// The configuration file as a whole: each part's own struct under its key.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "control/control_config.h"
#include "daemon/commands_config.h"
#include "deferd/schema.h"
#include "host/exempt.h"
#include "host/plugin_entry.h"
#include "milter/milter_config.h"
#include "ops/log_writer.h"
#include "smtp/smtp_address.h"
#include "smtp/smtp_config.h"
#include "store/store_config.h"

namespace deferd {

struct ListenConfig {
  std::vector<std::string> milter;
  std::vector<smtp::SmtpAddress> smtp;
  static Schema<ListenConfig> schema();
};

struct DaemonConfig {
  StoreConfig store;
  ListenConfig listen;
  MilterConfig milter;
  smtp::SmtpConfig smtp;
  ControlConfig control;
  LogConfig log;
  ExemptConfig exempt;
  Value plugins;
  std::string user;
  std::string group;
  CommandsConfig commands;
  std::vector<std::vector<std::string>> helpers;
  std::vector<std::string> plugin_dirs;
  DecisionLimits decisions;
  static Schema<DaemonConfig> schema();
};

/// A configuration that was read and found right as far as the file alone can tell.
struct LoadedConfig {
  DaemonConfig config;
  std::vector<PluginEntry> plugins;
};

/// Everything wrong with `file` is in `problems`, and has its default in what is returned.
LoadedConfig read_what_is_right(const Value& file, Problems& problems);

/// Nullopt if there was an error.
std::optional<LoadedConfig> read_config(const Value& file, Problems& problems);

/// Reads `path`; everything wrong with it is in `problems`. Nullopt if there was an error.
std::optional<LoadedConfig> load_config(const std::string& path, Problems& problems);

}  // namespace deferd
