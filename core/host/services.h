// What dialogues share.
#pragma once
#include <atomic>
#include <functional>
#include <memory>

#include "host/decision_log.h"
#include "host/hook_runner.h"
#include "host/parts.h"

namespace deferd {

class Generation;

struct HostServices {
  HostParts& parts;
  HookRunner& runner;
  DecisionLog& log;
  std::function<std::shared_ptr<Generation>()> current;
};

}  // namespace deferd
