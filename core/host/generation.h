// The plugins of one configuration, in order. Immutable; transactions hold the one they began with.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/exempt.h"
#include "host/hook_runner.h"
#include "host/instance.h"
#include "host/pipeline.h"

namespace deferd {

class Generation {
 public:
  /// `sets`: where the daemon shows plugins who is exempt, while the generation lives; may be null.
  Generation(std::vector<std::shared_ptr<Instance>> instances, std::shared_ptr<const Exempt> exempt, HookRunner& runner,
             std::unique_ptr<Sets> sets = nullptr);
  ~Generation();

  /// From now on plugins see who is exempt: it serves, or is about to.
  void show_exempt();

  const std::vector<std::shared_ptr<Instance>>& instances() const { return instances_; }
  const Exempt& exempt() const { return *exempt_; }
  std::uint32_t hooks() const { return hooks_; }
  bool has(Hook hook) const { return (hooks_ & bit(hook)) != 0; }

 private:
  const std::unique_ptr<Sets> sets_;  // outlives the plugins: they shall not see it go
  const std::vector<std::shared_ptr<Instance>> instances_;
  const std::shared_ptr<const Exempt> exempt_;
  HookRunner& runner_;
  std::uint32_t hooks_ = 0;
};

/// Finds a plugin by its name: the loader, or a test's own.
using FindPlugin = std::function<Result<const PluginInfo*>(const std::string& name)>;

/// What is wrong with the plugins' settings, without making them.
void check_plugins(const std::vector<PluginEntry>& entries, const FindPlugin& find, Problems& problems);

/// Makes every plugin. The first generation's see who is exempt at once, those of a reload still what is in force. Throws
/// ConfigError with everything that is wrong.
std::shared_ptr<Generation> make_generation(const std::vector<PluginEntry>& entries, const FindPlugin& find,
                                            std::shared_ptr<const Exempt> exempt, HostParts& parts, HookRunner& runner);

}  // namespace deferd
