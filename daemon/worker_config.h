// Which configuration the next worker gets.
#pragma once
#include <string>

#include "daemon/config.h"
#include "deferd/host.h"

namespace deferd {

/// A worker that is started again reads the file like one that reloads: anything wrong with it, and the one that was in force
/// stays so. What belongs to the monitor (sockets of the SMTP front end, account, helpers) is that of the first one for good.
class WorkerConfig {
 public:
  WorkerConfig(std::string file, LoadedConfig first);

  const LoadedConfig& first() const { return first_; }
  const LoadedConfig& in_force() const { return in_force_; }
  const LoadedConfig& given() const { return given_; }  ///< To the latest worker.

  /// For the next worker. What is wrong with the file is logged.
  const LoadedConfig& next(Log& log);
  void ready();     ///< The worker serves by what next() gave.
  void refused();   ///< It did not come to serve by that: if it was the file's, next() gives what is in force, once.
  void reloaded();  ///< The worker has taken over what is in the file.

  /// What the file says at present, or nullopt.
  std::optional<LoadedConfig> read(Problems& problems) const;

 private:
  const std::string file_;
  const LoadedConfig first_;
  LoadedConfig in_force_, given_;
  bool from_file_ = false;  // given_ is
  bool refused_ = false;
};

}  // namespace deferd
