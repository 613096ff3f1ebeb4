// A plugin for measuring the tarpit: everybody is on a list, from the moment he connects.
#include "deferd/plugin.h"
#include "deferd/schema.h"

namespace deferd::bench {
namespace {

struct Config {
  static Schema<Config> schema() { return {}; }
};

class Listed : public Plugin {
 public:
  using Config = bench::Config;
  Listed(Config, Host&) {}
  Verdict on_connect(Context&) override {
    return Verdict::defer({450, "4.7.1", "Please try again later"}, "everybody is listed").tagged("listed");
  }
};

}  // namespace
}  // namespace deferd::bench

DEFERD_PLUGIN(deferd::bench::Listed, "listed", "1");
