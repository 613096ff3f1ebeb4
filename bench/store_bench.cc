// What the store costs: CPU and time of the look-ups and writes of one greylisting transaction.
//
//   store_bench --path DIR [--records 1000000] [--threads 8] [--seconds 10] [--cache 64MiB] [--keep]
//
// Loads DIR with so many tuples (if it is not there yet), opens it anew and runs the mix of DESIGN.md section 10 on it:
// 70% new tuples, 20% retries, 10% white clients. Each asks the white table first; then new ones and retries read the pair and
// an identity and commit both. Prints one line of key=value.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <random>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "cpu_time.h"
#include "store/rocksdb_engine.h"

namespace {

using namespace deferd;
using namespace std::chrono_literals;

class StderrLog : public Log {
 public:
  bool enabled(Level level) const override { return level >= Level::warning; }
  void write(Level, std::string_view event, std::span<const Field>) override {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(event.size()), event.data());
  }
};

struct Options {
  std::string path = "store-bench.db";
  std::uint64_t records = 1'000'000;
  int threads = 8;
  int seconds = 10;
  std::string cache = "64MiB";
  bool keep = false;
};

double since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The tuple of a number: 40 bytes of pair, an address as identity, 32 bytes of value, in no order.
struct Tuple {
  explicit Tuple(std::uint64_t number) {
    std::uint64_t mixed = number * 0x9e3779b97f4a7c15ULL;
    mixed ^= mixed >> 29;
    group = "s" + std::to_string(mixed) + "@example.org\n" + "r" + std::to_string(number % 5'000) + "@example.net";
    client = Address::v4(static_cast<std::uint32_t>(mixed >> 16) | 1);
    identity = "4" + client.to_string();
    value.assign(reinterpret_cast<const char*>(&mixed), sizeof(mixed));  // as compressible as a record: some of it
    value.append(8, '\0').append(value);
  }
  std::string group;
  std::string identity;
  std::string value;
  Address client;
};

void transaction(Store& store, Tables& tables, const Tuple& tuple, Time now) {
  or_throw(tables.find(kWhite, tuple.client));
  const std::string_view keys[] = {"p", tuple.identity};
  or_throw(update(store, tuple.group, keys, [&](std::span<const Record> records) {
    std::vector<Change> changes;
    for (std::size_t i = 0; i < records.size(); ++i)
      changes.push_back({std::string(keys[i]), records[i].value.value_or(tuple.value), now + 8h, std::nullopt});
    return changes;
  }));
}

void load(Engine& engine, const Options& options, const Clock& clock) {
  auto store = engine.open_space("greylist");
  const Time now = clock.now();
  for (std::uint64_t i = 0; i < options.records; ++i) {
    const Tuple tuple(i);
    const Change changes[] = {{"p", tuple.value, now + 240h, std::nullopt},
                              {tuple.identity, tuple.value, now + 240h, std::nullopt}};
    or_throw(store->commit(tuple.group, changes));
    if (i % 100 == 0) {
      TableRow row;
      row.prefix = Prefix(tuple.client);
      row.expires = now + 24h * 36;
      row.source = "bench";
      or_throw(engine.tables().put(kWhite, row));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Measures the store.");
  app.add_option("--path", options.path);
  app.add_option("--records", options.records);
  app.add_option("--threads", options.threads);
  app.add_option("--seconds", options.seconds);
  app.add_option("--cache", options.cache);
  app.add_flag("--keep", options.keep, "Leave the database for the next run.");
  CLI11_PARSE(app, argc, argv);

  const SystemClock clock;
  StderrLog log;
  StoreConfig config;
  config.path = options.path;
  config.cache = or_throw(Codec<ByteSize>::parse(options.cache));
  if (!std::filesystem::exists(options.path)) {
    const auto start = std::chrono::steady_clock::now();
    auto engine = or_throw(open_rocksdb_engine(config, clock, log));
    load(*engine, options, clock);
    std::fprintf(stderr, "loaded %llu tuples in %.1f s\n", static_cast<unsigned long long>(options.records), since(start));
  }

  const auto opening = std::chrono::steady_clock::now();
  auto engine = or_throw(open_rocksdb_engine(config, clock, log));
  const double open_seconds = since(opening);
  auto store = engine->open_space("greylist");

  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> fresh =
      options.records + static_cast<std::uint64_t>(clock.now().time_since_epoch().count()) * 1'000'000;
  std::vector<std::vector<double>> times(static_cast<std::size_t>(options.threads));
  const double cpu_before = bench::own_cpu_seconds();
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (auto& mine : times)
    threads.emplace_back([&, seed = threads.size()] {
      std::mt19937_64 random(seed);
      while (!stop) {
        const auto dice = random() % 10;
        const auto begin = std::chrono::steady_clock::now();
        if (dice < 7)
          transaction(*store, engine->tables(), Tuple(fresh++), clock.now());
        else if (dice < 9)
          transaction(*store, engine->tables(), Tuple(random() % options.records), clock.now());
        else
          or_throw(engine->tables().find(kWhite, Tuple(random() % options.records / 100 * 100).client));
        mine.push_back(since(begin) * 1e6);
      }
    });
  std::this_thread::sleep_for(std::chrono::seconds(options.seconds));
  stop = true;
  for (auto& thread : threads) thread.join();
  const double wall = since(start), cpu = bench::own_cpu_seconds() - cpu_before;

  std::vector<double> all;
  for (const auto& mine : times) all.insert(all.end(), mine.begin(), mine.end());
  std::sort(all.begin(), all.end());
  const auto at = [&](double share) {
    return all.empty() ? 0.0 : all[static_cast<std::size_t>(share * static_cast<double>(all.size() - 1))];
  };
  const auto status = engine->status();
  std::printf(
      "threads=%d records=%llu open_s=%.3f transactions=%zu per_s=%.0f cpu_us=%.2f p50_us=%.1f p99_us=%.1f disk_mib=%.0f\n",
      options.threads, static_cast<unsigned long long>(status.records), open_seconds, all.size(),
      static_cast<double>(all.size()) / wall, cpu * 1e6 / static_cast<double>(all.size()), at(0.5), at(0.99),
      static_cast<double>(status.bytes) / (1 << 20));
  engine.reset();
  if (!options.keep) std::filesystem::remove_all(options.path);
  return 0;
}
