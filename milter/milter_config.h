// The `milter:` section of the configuration: how the milter answers and who may reach its socket.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <string>

#include "base/file_mode.h"
#include "deferd/schema.h"
#include "host/pipeline.h"

namespace deferd {

struct MilterConfig {
  Voice voice = Voice::rcpt;
  std::string header = "X-Greylist";                    ///< Empty: none.
  std::chrono::milliseconds max_delay{5000};            ///< For one answer.
  int max_sleepers = 20;                                ///< Answers delayed at the same time.
  std::string socket_owner;                             ///< User name; empty: whoever starts deferd.
  std::string socket_group;                             ///< Group name; empty: the owner's.
  FileMode socket_mode;                                 ///< Of a unix socket.
  std::chrono::seconds drain{8};                        ///< At SIGTERM, for messages in progress.
  std::chrono::seconds timeout{std::chrono::hours{2}};  ///< For an MTA that says nothing.
  static Schema<MilterConfig> schema();
};

}  // namespace deferd
