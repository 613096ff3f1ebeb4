// What asking plugins costs a transaction: dialogues through the pipeline alone, on one thread, without and with plugins that
// have an opinion on nothing. Figures are of CPU time, so that others on the machine disturb them little.
//
//   hooks_bench FOLDER_OF_NOOP_PLUGIN
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <string>
#include <vector>

#include "base/clock.h"
#include "host/generation.h"
#include "host/loader.h"
#include "host/parts.h"
#include "host/pipeline.h"
#include "store/memory_engine.h"

namespace deferd::bench {
namespace {

constexpr int kTransactions = 20'000;
constexpr int kRounds = 15;

double cpu_us() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

struct NoLog : Log {
  bool enabled(Level) const override { return false; }
  void write(Level, std::string_view, std::span<const Field>) override {}
};

class Asker {
 public:
  Asker(Loader& loader, std::size_t plugins) : engine_(make_memory_engine(clock_)), parts_{clock_, log_, metrics_, *engine_} {
    std::vector<PluginEntry> entries(plugins);
    for (std::size_t i = 0; i < plugins; ++i) {
      entries[i].plugin = "noop";
      entries[i].options.as = fmt::format("noop{}", i);
    }
    Problems problems;
    pipeline_.use(make_generation(
        entries, [&loader](const std::string& name) { return loader.load(name); }, Exempt::build({}, problems), parts_,
        pipeline_.runner()));
  }

  double us_each() {
    const auto start = cpu_us();
    for (int i = 0; i < kTransactions; ++i) {
      Session session;
      session.client = Address::v4(0xc0000200u + static_cast<std::uint32_t>(i & 255));
      session.front_end = "milter";
      session.helo = "client.example.net";
      auto dialogue = pipeline_.open(std::move(session), Voice::rcpt);
      dialogue->mail("sender@example.net");
      dialogue->rcpt("recipient@example.org");
    }
    return (cpu_us() - start) / kTransactions;
  }

 private:
  SystemClock clock_;
  NoLog log_;
  Metrics metrics_;
  std::unique_ptr<Engine> engine_;
  HostParts parts_;
  Pipeline pipeline_{parts_};
};

double median(std::vector<double> all) {
  std::sort(all.begin(), all.end());
  return all[all.size() / 2];
}

}  // namespace
}  // namespace deferd::bench

int main(int argc, char** argv) {
  using namespace deferd;
  using namespace deferd::bench;
  if (argc != 2) return fmt::print(stderr, "usage: hooks_bench FOLDER_OF_NOOP_PLUGIN\n"), 64;
  NoLog log;
  Loader loader({argv[1]}, log);
  Asker none(loader, 0), some(loader, 20);
  std::vector<double> without, with;
  for (int round = 0; round < kRounds; ++round) {
    without.push_back(none.us_each());
    with.push_back(some.us_each());
  }
  const auto each = median(with) - median(without);
  fmt::print(
      "pipeline alone, CPU a transaction: {:.2f} us without plugins, {:.2f} us with 20 that do nothing: {:.0f} ns a plugin\n",
      median(without), median(with), each * 1000 / 20);
}
