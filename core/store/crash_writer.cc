// A program for rocksdb_crash_test.cc to kill: commits numbers on several threads and tells each on standard output, four bytes,
// as soon as it is committed.
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "store/rocksdb_engine.h"

namespace {

class NoLog : public deferd::Log {
 public:
  bool enabled(deferd::Level) const override { return false; }
  void write(deferd::Level, std::string_view, std::span<const deferd::Field>) override {}
};

}  // namespace

int main(int argc, char** argv) {
  using namespace deferd;
  if (argc != 3) return 2;
  const SystemClock clock;
  NoLog log;
  StoreConfig config;
  config.path = argv[1];
  auto engine = or_throw(open_rocksdb_engine(config, clock, log));
  auto store = engine->open_space("crash");
  std::atomic<std::uint32_t> next = static_cast<std::uint32_t>(std::atoi(argv[2]));
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      for (;;) {
        const std::uint32_t number = next++;
        const std::string text = std::to_string(number);
        const Change changes[] = {{"pair", text, Time::max(), std::nullopt}, {"identity", text, Time::max(), std::nullopt}};
        or_throw(store->commit(text, changes));
        if (write(STDOUT_FILENO, &number, sizeof(number)) != sizeof(number)) std::_Exit(1);
      }
    });
  for (auto& thread : threads) thread.join();
}
