// A plugin that has an opinion on nothing: what asking plugins costs by itself.
#include "deferd/plugin.h"
#include "deferd/schema.h"

namespace deferd::bench {
namespace {

struct Config {
  static Schema<Config> schema() { return {}; }
};

class Noop : public Plugin {
 public:
  using Config = bench::Config;
  Noop(Config, Host&) {}
  Verdict on_connect(Context&) override { return Verdict::pass(); }
  Verdict on_helo(Context&) override { return Verdict::pass(); }
  Verdict on_mail(Context&) override { return Verdict::pass(); }
  Verdict on_rcpt(Context&, const std::string&) override { return Verdict::pass(); }
};

}  // namespace
}  // namespace deferd::bench

DEFERD_PLUGIN(deferd::bench::Noop, "noop", "1");
