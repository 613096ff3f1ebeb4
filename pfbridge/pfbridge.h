// Packet-filter tables are kept in step with what deferd has learned, and deferd learns from what the packet filter lets through.
#pragma once
#include <memory>
#include <optional>
#include <string_view>

#include "deferd/plugin.h"
#include "pfbridge/config.h"
#include "pfbridge/runner.h"

namespace deferd::pfbridge {

/// Has no opinion of anybody.
class PfBridge : public Plugin {
 public:
  using Config = pfbridge::Config;
  PfBridge(Config config, Host& host);
  ~PfBridge() override;

  void on_decided(Context& context, const Decision& decision) override;
  Result<void> on_command(Context& context, std::string_view command, const Value& args, Rows& rows) override;

  Runner& runner() { return *runner_; }

 private:
  Host& host_;
  const Duration lease_;
  std::optional<Watcher> watcher_;
  std::shared_ptr<Runner> runner_;
};

}  // namespace deferd::pfbridge
