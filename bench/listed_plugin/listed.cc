// A plugin for measuring the tarpit: everybody is on a list, or those with low addresses, from the moment they connect.
#include "deferd/plugin.h"
#include "deferd/schema.h"

namespace deferd::bench {
namespace {

struct Config {
  int below = 256;
  static Schema<Config> schema() {
    return Schema<Config>{}.field("below", &Config::below, 0, 256, "Listed is who has a last byte of its address below this.");
  }
};

class Listed : public Plugin {
 public:
  using Config = bench::Config;
  Listed(Config config, Host&) : config_(config) {}
  Verdict on_connect(Context& context) override {
    if (context.session().client.bytes().back() >= config_.below) return Verdict::pass();
    return Verdict::defer({450, "4.7.1", "Please try again later"}, "the address is low").tagged("listed");
  }

 private:
  const Config config_;
};

}  // namespace
}  // namespace deferd::bench

DEFERD_PLUGIN(deferd::bench::Listed, "listed", "1");
