// Does not come back from one of its hooks until a test opens the gate.
#include <memory>

#include "deferd/plugin.h"
#include "gate.h"

namespace deferd {

class HangsInHook : public Plugin {
 public:
  struct Config {
    std::string hook = "rcpt";
    static Schema<Config> schema() {
      return Schema<Config>{}.field("hook", &Config::hook, "The hook that hangs: connect, mail, rcpt, data, reply, tick or all.");
    }
  };
  HangsInHook(const Config& config, Host& host) : config_(config), gate_(gate_of(host)) {}

  Verdict on_connect(Context&) override { return answer("connect"); }
  Verdict on_mail(Context&) override { return answer("mail"); }
  Verdict on_rcpt(Context&, const std::string&) override { return answer("rcpt"); }
  Verdict on_data(Context&) override { return answer("data"); }
  Pace on_reply(Context&, const Decision&) override {
    answer("reply");
    return {};
  }
  void on_tick(Context&) override { answer("tick"); }

 private:
  static std::shared_ptr<Gate> gate_of(Host& host) {
    auto& kept = host.kept("gate");
    if (!kept) kept = std::make_shared<Gate>();
    return std::static_pointer_cast<Gate>(kept);
  }
  // A late answer is told from a missing one: it defers.
  Verdict answer(std::string_view hook) const {
    if (config_.hook != hook && config_.hook != "all") return {};
    gate_->pass();
    return Verdict::defer({451, "4.7.1", "Please try again later"}, "came back from the gate");
  }

  const Config config_;
  const std::shared_ptr<Gate> gate_;
};

}  // namespace deferd

DEFERD_PLUGIN(deferd::HangsInHook, "hangs_in_hook", "1");
