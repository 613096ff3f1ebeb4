// Fills a store as if deferd had run for long: tuples that have waited long enough (traffic.h) and white clients.
//
//   seed_store --path DIR [--tuples 1000000] [--white 100000]
//
// The records are made by the greylist plugin's own code. They are kept for 30 days: set its grey_expiry to as much.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "envelope.h"
#include "identity.h"
#include "keys.h"
#include "pair.h"
#include "store/rocksdb_engine.h"
#include "traffic.h"
#include "tuple.h"

namespace deferd::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto kWaited = 10min;
constexpr auto kGreyExpiry = std::chrono::hours{24 * 30};

class StderrLog : public Log {
 public:
  bool enabled(Level level) const override { return level >= Level::warning; }
  void write(Level, std::string_view event, std::span<const Field>) override { fmt::print(stderr, "{}\n", event); }
};

void put_tuple(Store& store, std::uint64_t n, Time now) {
  const auto mail = waiting_tuple(n);
  const auto client = Address::v4(mail.client);
  const auto from = greylist::fold_sender(mail.sender), to = greylist::fold_recipient(mail.recipient);
  const auto identity = greylist::identify(client, 24, 64).key();
  greylist::Tuple tuple;
  tuple.first = tuple.last = now - kWaited;
  tuple.tries = 1;
  tuple.client = client;
  const greylist::Pair pair{tuple.first, tuple.last, 1};
  const Change changes[] = {{identity, encode(tuple), now + kGreyExpiry, {}},
                            {greylist::pair_key(from, identity), encode(pair), now + kGreyExpiry, {}}};
  or_throw(store.commit(greylist::pair_group(from, to), changes));
}

void put_white(Tables& tables, std::uint64_t n, Time now) {
  TableRow row;
  row.prefix = Prefix(Address::v4(white_client(n)));
  row.added = now;
  row.expires = now + kGreyExpiry;
  row.source = "greylist";
  row.evidence = "retry of anna@example.net -> r1@example.org after 10m";
  or_throw(tables.put(kWhite, row));
}

void seed(const StoreConfig& config, std::uint64_t tuples, std::uint64_t whites) {
  const SystemClock clock;
  StderrLog log;
  const auto engine = or_throw(open_rocksdb_engine(config, clock, log));
  const auto store = engine->open_space("greylist");
  const auto now = clock.now();
  const auto start = std::chrono::steady_clock::now();
  const std::uint64_t workers = std::max(1U, std::thread::hardware_concurrency());
  std::vector<std::exception_ptr> failures(workers);
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t worker = 0; worker < workers; ++worker)
      threads.emplace_back([&, worker] {
        try {
          for (auto n = worker; n < tuples; n += workers) put_tuple(*store, n, now);
          for (auto n = worker; n < whites; n += workers) put_white(engine->tables(), n, now);
        } catch (...) {
          failures[worker] = std::current_exception();
        }
      });
  }
  for (const auto& failure : failures)
    if (failure) std::rethrow_exception(failure);
  fmt::print("{} tuples and {} white clients in {:.1f} s\n", tuples, whites,
             std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

}  // namespace
}  // namespace deferd::bench

int main(int argc, char** argv) {
  deferd::StoreConfig config;
  std::uint64_t tuples = 1'000'000, whites = 100'000;
  CLI::App app("Fills a store for measuring.");
  app.add_option("--path", config.path)->required();
  app.add_option("--tuples", tuples);
  app.add_option("--white", whites);
  CLI11_PARSE(app, argc, argv);
  try {
    deferd::bench::seed(config, tuples, whites);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "seed_store: {}\n", error.what());
    return 1;
  }
}
