// A plugin for measuring what a slow store does to clients: every recipient waits, as if written to a disk that does not answer.
#include <algorithm>
#include <chrono>
#include <thread>

#include "deferd/plugin.h"
#include "deferd/schema.h"

namespace deferd::bench {
namespace {

using std::chrono::milliseconds, std::chrono::seconds;

struct Config {
  milliseconds delay{0};  // each
  seconds stall{0};       // for so long nobody gets an answer
  seconds every{60};      // of so long
  static Schema<Config> schema() {
    return Schema<Config>{}
        .field("delay", &Config::delay, milliseconds{0}, milliseconds{1000}, "Each recipient waits for so long.")
        .field("stall", &Config::stall, seconds{0}, seconds{10}, "All recipients wait until so long a stall is over ...")
        .field("every", &Config::every, seconds{1}, seconds{3600}, "... which comes every so often.");
  }
};

class Stall : public Plugin {
 public:
  using Config = bench::Config;
  Stall(Config config, Host&) : config_(config) {}
  Verdict on_rcpt(Context&, const std::string&) override {
    const auto into = std::chrono::steady_clock::now().time_since_epoch() % config_.every;
    std::this_thread::sleep_for(std::max<std::chrono::nanoseconds>(config_.delay, config_.stall - into));
    return Verdict::pass();
  }

 private:
  const Config config_;
};

}  // namespace
}  // namespace deferd::bench

DEFERD_PLUGIN(deferd::bench::Stall, "stall", "1");
