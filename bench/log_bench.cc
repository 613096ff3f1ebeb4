// What a line of the log costs the thread that writes it, and the process as a whole; and what a decision costs, which is such a
// line and a record of it.
//
//   log_bench [FILE]      (default: /dev/null)
//
// One line of key=value for each number of threads: wall and CPU time a line, lines a second, lines lost (the file was too slow).
// Then one for decisions, without and with their lines: CPU time a decision, of all threads, but nothing of the store's.

#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "cpu_time.h"
#include "host/decision_log.h"
#include "ops/log_writer.h"
#include "ops/tuned_malloc.h"
#include "store/memory_engine.h"

namespace {

using namespace deferd;

void decide(Log& log, int lines) {
  for (int i = 0; i < lines; ++i)
    log.info("rcpt.defer", {{"id", "7641df9771b4ed00.1"},
                            {"client", "192.0.2.7"},
                            {"helo", "mx1.example.net"},
                            {"from", "someone@example.net"},
                            {"rcpt", "another@example.org"},
                            {"plugin", "greylist"},
                            {"reason", "not retried yet"},
                            {"delay_ms", i}});
}

void measure(const char* file, int threads) {
  constexpr int kLines = 400'000;
  const SystemClock clock;
  LogConfig config;
  config.to = file;
  const auto cpu = bench::own_cpu_seconds();
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t lost = 0;
  double written = 0;
  {
    LogWriter log(config, clock);
    {
      std::vector<std::jthread> writers;
      for (int t = 0; t < threads; ++t) writers.emplace_back([&] { decide(log, kLines / threads); });
    }
    written = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    lost = log.lost();
  }
  std::printf("threads=%d lines=%d wall_ns_a_line=%.0f cpu_ns_a_line=%.0f lines_a_second=%.0f lost=%llu\n", threads, kLines,
              written * 1e9 / kLines, (bench::own_cpu_seconds() - cpu) * 1e9 / kLines, kLines / written,
              static_cast<unsigned long long>(lost));
}

/// Where decisions are forgotten: what storing them costs is not the log's.
class Forgetful : public Engine, public Decisions {
 public:
  explicit Forgetful(const Clock& clock) : rest_(make_memory_engine(clock)) {}
  Decisions& decisions() override { return *this; }
  Result<void> append(std::span<const DecisionRecord>) override { return {}; }
  Result<DecisionRecord> find(std::string_view) override { return fail(Errc::not_found, "forgotten"); }
  Result<std::vector<DecisionRecord>> newest(std::size_t) override { return {}; }
  std::unique_ptr<Store> open_space(std::string_view plugin) override { return rest_->open_space(plugin); }
  Tables& tables() override { return rest_->tables(); }
  Result<void> put_rows(std::string_view table, std::span<const TableRow> rows, const Decide& decide) override {
    return rest_->put_rows(table, rows, decide);
  }
  Result<std::vector<std::optional<TableRow>>> rows_at(std::string_view table, std::span<const Prefix> prefixes) override {
    return rest_->rows_at(table, prefixes);
  }
  Result<std::size_t> sweep() override { return rest_->sweep(); }
  Result<void> backup(const std::string& directory) override { return rest_->backup(directory); }
  EngineStatus status() override { return rest_->status(); }

 private:
  std::unique_ptr<Engine> rest_;
};

Decision deferral(int number) {
  Decision decision;
  decision.id = "7641df9771b4ed00." + std::to_string(number);
  decision.rcpt = "another@example.org";
  decision.verdict = Verdict::defer({451, "4.7.1", "Please try again later"}, "not retried yet");
  decision.verdict.due = Time(std::chrono::seconds(1'800'000'000));
  decision.plugin = "greylist";
  decision.trace.push_back({decision.plugin, Stage::rcpt, decision.verdict, false, {}});
  return decision;
}

double us_a_decision(Level level, const char* file) {
  constexpr int kRounds = 400, kDecisions = 1'000;  // a round is about what comes within a batch's time under load
  const SystemClock clock;
  LogConfig config;
  config.to = file;
  config.level = level;
  LogWriter lines(config, clock);
  Metrics metrics;
  Forgetful engine(clock);
  HostParts parts{clock, lines, metrics, engine};
  DecisionLog log(parts);
  Session session;
  session.id = 0x7641df9771b4ed00;
  session.client = Address::v4(0xc0000207);
  session.client_name = "mx1.example.net";
  session.front_end = "smtp";
  session.helo = "mx1.example.net";
  session.mail_from = "someone@example.net";
  const auto cpu = bench::own_cpu_seconds();
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < kDecisions; ++i) log.write(session, deferral(i));
    log.flush();
  }
  return (bench::own_cpu_seconds() - cpu) * 1e6 / (kRounds * kDecisions);
}

}  // namespace

int main(int argc, char** argv) {
  tune_malloc();  // as the daemon does
  const char* file = argc > 1 ? argv[1] : "/dev/null";
  for (const int threads : {1, 8, 64}) measure(file, threads);
  const auto silent = us_a_decision(Level::error, file);
  std::printf("decision: cpu_us_unlogged=%.2f cpu_us_logged=%.2f\n", silent, us_a_decision(Level::info, file));
}
