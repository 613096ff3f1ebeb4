// Clients for measuring SMTP front ends, all on loopback addresses of their own. Prints one line of JSON.
//
//   smtp_load dialogue --port 2525 --connections 64 --seconds 5 [--pid SERVER]   whole dialogues, so many at a time
//   smtp_load hold --port 2525 --connections 15000 --rate 3000 --seconds 20 [--pid SERVER]
//                  so many new ones a second, that only listen; measured for `seconds` once all are there
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>
#include <vector>

#include "smtp_figures.h"
#include "smtp_load_loop.h"
#include "usage.h"

namespace deferd::bench {
namespace {

using namespace std::chrono_literals;
using Outcome = SmtpLoadConnection::Outcome;
using Role = SmtpLoadConnection::Role;

struct Options {
  std::uint16_t port = 0;
  std::size_t connections = 64;
  double seconds = 5, rate = 3000, patience = 5;
  std::uint64_t first = 0;
  pid_t pid = 0;
  std::string label;
};

class Load {
 public:
  explicit Load(const Options& options) : options_(options), next_(options.first), loop_(options.port) {}

  std::string dialogues();
  std::string hold();

 private:
  bool open(SmtpLoadConnection& connection, Role role) { return loop_.open(connection, loopback_client(next_++), role); }
  std::string server_figures(const Usage& before, const Usage& after, double elapsed) const;

  const Options& options_;
  std::uint64_t next_;
  SmtpLoadLoop loop_;
  std::deque<SmtpLoadConnection> connections_;
  std::uint64_t failed_ = 0;
};

std::string Load::server_figures(const Usage& before, const Usage& after, double elapsed) const {
  return fmt::format(R"({{"cpu_s":{:.3f},"cpu_share":{:.4f},"rss_kib_before":{},"rss_kib":{},"threads":{}}})",
                     after.cpu_seconds - before.cpu_seconds, (after.cpu_seconds - before.cpu_seconds) / elapsed, before.rss_kib,
                     after.rss_kib, after.threads);
}

std::string Load::dialogues() {
  std::vector<double> took_ms;
  std::uint64_t done = 0, deferred = 0;
  bool over = false;
  connections_.resize(options_.connections);
  const auto server_before = usage_of(options_.pid);
  const auto machine_before = machine_cpu_seconds(), own_before = own_cpu_seconds();
  const auto begin = Steady::now();
  for (auto& connection : connections_)
    if (!open(connection, Role::talks)) ++failed_;
  while (!over) {
    loop_.serve(100ms, [&](SmtpLoadConnection& connection, Outcome outcome) {
      if (outcome == Outcome::done) {
        ++done;
        deferred += connection.deferred();
        took_ms.push_back(seconds_of(Steady::now() - connection.begun()) * 1e3);
      } else {
        ++failed_;
      }
      if (!open(connection, Role::talks)) ++failed_;
    });
    over = seconds_of(Steady::now() - begin) >= options_.seconds;
  }
  const double elapsed = seconds_of(Steady::now() - begin);
  const auto server = usage_of(options_.pid);
  const double own = own_cpu_seconds() - own_before;
  const double foreign = machine_cpu_seconds() - machine_before - own - (server.cpu_seconds - server_before.cpu_seconds);
  return fmt::format(
      R"({{"label":"{}","mode":"dialogue","connections":{},"seconds":{:.2f},"done":{},"deferred":{},"failed":{},"per_s":{:.1f},"dialogue_ms":{},"server":{},"load_cpu_s":{:.2f},"foreign_cpu_share":{:.3f}}})",
      options_.label, options_.connections, elapsed, done, deferred, failed_, static_cast<double>(done) / elapsed,
      percentiles(took_ms), server_figures(server_before, server, elapsed), own,
      std::max(0.0, foreign) / elapsed / static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN)));
}

std::string Load::hold() {
  const auto server_before = usage_of(options_.pid);
  const auto lost = [this](SmtpLoadConnection&, Outcome) { ++failed_; };
  const auto begin = Steady::now();
  while (connections_.size() < options_.connections) {
    const auto due = std::min<std::size_t>(options_.connections,
                                           static_cast<std::size_t>(seconds_of(Steady::now() - begin) * options_.rate) + 1);
    while (connections_.size() < due)
      if (!open(connections_.emplace_back(), Role::listens)) ++failed_;
    loop_.serve(1ms, lost);
  }
  const double opening = seconds_of(Steady::now() - begin);
  for (const auto settle = Steady::now(); seconds_of(Steady::now() - settle) < options_.patience;) loop_.serve(10ms, lost);

  const auto bytes = [this] {
    std::uint64_t all = 0;
    for (const auto& connection : connections_) all += connection.bytes();
    return all;
  };
  const auto server_steady = usage_of(options_.pid);
  const auto bytes_before = bytes();
  const auto machine_before = machine_cpu_seconds(), own_before = own_cpu_seconds();
  const auto steady = Steady::now();
  while (seconds_of(Steady::now() - steady) < options_.seconds) loop_.serve(10ms, lost);
  const double elapsed = seconds_of(Steady::now() - steady);
  const auto server = usage_of(options_.pid);
  const auto sent = bytes() - bytes_before;
  const double own = own_cpu_seconds() - own_before;
  const double foreign = machine_cpu_seconds() - machine_before - own - (server.cpu_seconds - server_steady.cpu_seconds);

  std::vector<double> first_s, gaps_s;
  std::uint64_t silent = 0, alive = 0;
  for (const auto& connection : connections_) {
    alive += connection.is_open();
    if (connection.bytes() == 0)
      ++silent;
    else
      first_s.push_back(seconds_of(connection.first_byte() - connection.begun()));
    if (connection.bytes() > 1) gaps_s.push_back(seconds_of(connection.longest_gap()));
  }
  return fmt::format(
      R"({{"label":"{}","mode":"hold","connections":{},"opened_per_s":{:.0f},"alive":{},"silent":{},"failed":{},"first_byte_s":{},"longest_gap_s":{},"seconds":{:.2f},"bytes_per_s":{:.1f},"server":{},"rss_kib_empty":{},"bytes_a_connection":{:.0f},"cpu_us_per_byte":{:.3f},"load_cpu_s":{:.2f},"foreign_cpu_share":{:.3f}}})",
      options_.label, connections_.size(), static_cast<double>(connections_.size()) / opening, alive, silent, failed_,
      percentiles(first_s), percentiles(gaps_s), elapsed, static_cast<double>(sent) / elapsed,
      server_figures(server_steady, server, elapsed), server_before.rss_kib,
      (static_cast<double>(server.rss_kib) - static_cast<double>(server_before.rss_kib)) * 1024 /
          static_cast<double>(std::max<std::uint64_t>(1, alive)),
      sent == 0 ? 0.0 : (server.cpu_seconds - server_steady.cpu_seconds) * 1e6 / static_cast<double>(sent), own,
      std::max(0.0, foreign) / elapsed / static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN)));
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Clients for measuring SMTP front ends.");
  app.require_subcommand(1);
  auto* dialogue = app.add_subcommand("dialogue", "Whole dialogues, so many at a time.");
  auto* hold = app.add_subcommand("hold", "Clients that only listen.");
  for (auto* mode : {dialogue, hold}) {
    mode->add_option("--port", options.port)->required();
    mode->add_option("--connections", options.connections);
    mode->add_option("--seconds", options.seconds);
    mode->add_option("--pid", options.pid, "The server's, to tell what it used.");
    mode->add_option("--first", options.first, "The number of the first client.");
    mode->add_option("--label", options.label);
  }
  hold->add_option("--rate", options.rate, "New ones a second.");
  hold->add_option("--patience", options.patience, "Seconds between the last new one and the measurement.");
  CLI11_PARSE(app, argc, argv);
  raise_descriptor_limit();
  Load load(options);
  fmt::print("{}\n", dialogue->parsed() ? load.dialogues() : load.hold());
  return 0;
}

}  // namespace
}  // namespace deferd::bench

int main(int argc, char** argv) {
  try {
    return deferd::bench::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "smtp_load: {}\n", error.what());
    return 1;
  }
}
