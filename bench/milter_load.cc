// An MTA for measuring milters: so many connections at a time, each one transaction, as many as go into the time given. Prints
// one line of JSON.
//
//   milter_load --socket PATH --connections 8 --seconds 5 [--pid SERVER] [--tuples N --white N --first N] [--label TEXT]
//
// `--first` is the number of the first mail; the next run on the same store begins at first + done, or its strangers are none.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "cpu_time.h"
#include "load_connection.h"
#include "usage.h"

namespace deferd::bench {
namespace {

using namespace std::chrono_literals;

struct Options {
  std::string socket, label;
  std::size_t connections = 8;
  double seconds = 5;
  std::uint64_t tuples = 1'000'000, white = 100'000, first = 0;
  pid_t pid = 0;
};

struct Tally {
  std::array<std::array<std::uint64_t, 4>, kKinds> answers{};  // by LoadConnection::Outcome
  std::vector<double> rcpt_us, transaction_us;
  std::uint64_t done = 0, failed = 0;
};

double micros(Steady::duration duration) { return std::chrono::duration<double, std::micro>(duration).count(); }

std::string percentiles(std::vector<double>& values) {
  if (values.empty()) return "null";
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) { return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))]; };
  return fmt::format(R"({{"p50":{:.0f},"p90":{:.0f},"p99":{:.0f},"p999":{:.0f},"max":{:.0f}}})", at(.5), at(.9), at(.99),
                     at(.999), values.back());
}

class Load {
 public:
  explicit Load(const Options& options)
      : traffic_(options.tuples, options.white),
        next_(options.first),
        connections_(options.connections),
        epoll_(epoll_create1(0)) {
    milter_.sun_family = AF_UNIX;
    if (options.socket.size() >= sizeof milter_.sun_path) throw std::invalid_argument("the socket's path is too long");
    std::memcpy(milter_.sun_path, options.socket.c_str(), options.socket.size() + 1);
  }
  ~Load() { close(epoll_); }

  Tally run(Steady::time_point end) {
    for (auto& connection : connections_) begin(connection, end);
    std::array<epoll_event, 256> events{};
    while (busy_ > 0) {
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 1000);
      if (count == 0 && Steady::now() > end + 10s) throw std::runtime_error("a filter does not answer");
      for (int i = 0; i < count; ++i) serve(*static_cast<LoadConnection*>(events[static_cast<std::size_t>(i)].data.ptr), end);
    }
    return std::move(tally_);
  }

 private:
  void begin(LoadConnection& connection, Steady::time_point end) {
    if (Steady::now() >= end) return;
    if (!connection.begin(milter_, traffic_(next_++))) throw std::runtime_error("cannot connect to the filter");
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &connection;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.descriptor(), &event);
    ++busy_;
  }

  void serve(LoadConnection& connection, Steady::time_point end) {
    const auto outcome = connection.readable();
    if (outcome == LoadConnection::Outcome::waiting) return;
    --busy_;
    ++tally_.answers[static_cast<std::size_t>(connection.mail().kind)][static_cast<std::size_t>(outcome)];
    if (outcome == LoadConnection::Outcome::failed) {
      ++tally_.failed;
    } else {
      ++tally_.done;
      tally_.rcpt_us.push_back(micros(connection.rcpt_took()));
      tally_.transaction_us.push_back(micros(Steady::now() - connection.begun()));
    }
    begin(connection, end);
  }

  Traffic traffic_;
  std::uint64_t next_;
  std::vector<LoadConnection> connections_;
  int epoll_;
  sockaddr_un milter_{};
  std::size_t busy_ = 0;
  Tally tally_;
};

std::string answers(const Tally& tally) {
  constexpr std::array<const char*, kKinds> names = {"fresh", "retry", "white"};
  std::string out;
  for (std::size_t i = 0; i < kKinds; ++i)
    out += fmt::format(R"({}"{}":{{"deferred":{},"passed":{},"failed":{}}})", i > 0 ? "," : "", names[i], tally.answers[i][1],
                       tally.answers[i][2], tally.answers[i][3]);
  return out;
}

int run(const Options& options) {
  const auto before = usage_of(options.pid);
  const double machine = machine_cpu_seconds(), own = own_cpu_seconds();
  const auto start = Steady::now();
  Load load(options);
  auto tally = load.run(start + std::chrono::duration_cast<Steady::duration>(std::chrono::duration<double>(options.seconds)));

  const double elapsed = std::chrono::duration<double>(Steady::now() - start).count();
  const auto after = usage_of(options.pid);
  const double server_cpu = after.cpu_seconds - before.cpu_seconds, load_cpu = own_cpu_seconds() - own;
  const double foreign = machine_cpu_seconds() - machine - server_cpu - load_cpu;
  const auto done = static_cast<double>(std::max<std::uint64_t>(tally.done, 1));
  fmt::print(R"({{"label":"{}","connections":{},"first":{},"done":{},"failed":{},"elapsed_s":{:.3f},"per_s":{:.0f},)",
             options.label, options.connections, options.first, tally.done, tally.failed, elapsed,
             static_cast<double>(tally.done) / elapsed);
  fmt::print(R"("rcpt_us":{},"transaction_us":{},"answers":{{{}}},)", percentiles(tally.rcpt_us),
             percentiles(tally.transaction_us), answers(tally));
  fmt::print(R"("server":{{"cpu_us_per_transaction":{:.2f},"cpu_s":{:.2f},"rss_kib":{},"threads":{}}},)", server_cpu * 1e6 / done,
             server_cpu, after.rss_kib, after.threads);
  fmt::print(R"("load_cpu_s":{:.2f},"foreign_cpu_share":{:.3f}}})"
             "\n",
             load_cpu, std::max(0.0, foreign) / (elapsed * static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN))));
  return tally.done > 0 ? 0 : 1;
}

}  // namespace
}  // namespace deferd::bench

int main(int argc, char** argv) {
  deferd::bench::Options options;
  CLI::App app("Measures a milter.");
  app.add_option("--socket", options.socket, "the filter's Unix socket")->required();
  app.add_option("--connections", options.connections)->check(CLI::Range(1, 10000));
  app.add_option("--seconds", options.seconds);
  app.add_option("--pid", options.pid, "the filter's process, to measure its CPU time and memory");
  app.add_option("--tuples", options.tuples, "so many wait in the store")->check(CLI::PositiveNumber);
  app.add_option("--white", options.white, "so many clients are white")->check(CLI::PositiveNumber);
  app.add_option("--first", options.first, "number of the first mail");
  app.add_option("--label", options.label);
  CLI11_PARSE(app, argc, argv);
  try {
    return deferd::bench::run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "milter_load: {}\n", error.what());
    return 1;
  }
}
