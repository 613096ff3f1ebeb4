// deferd-helper: the only part of deferd that may touch the packet filter. ../protocol.md
#include <signal.h>
#include <unistd.h>

#include <cstdio>

#include "pfbridge/helper/captures.h"
#include "pfbridge/helper/lifeline.h"
#include "pfbridge/helper/make_table.h"
#include "pfbridge/helper/pf_table.h"
#include "pfbridge/helper/sandbox.h"
#include "pfbridge/helper/service.h"
#include "pfbridge/helper/stream.h"

namespace {

using namespace deferd::bridge;

constexpr int kUsage = 64, kFailed = 1;
constexpr int kTick = 2'000;  // milliseconds
constexpr std::size_t kMostWaiting = 1 << 20;

volatile sig_atomic_t asked_to_end = 0;

void log(const std::string& line) { std::fprintf(stderr, "deferd-helper: %s\n", line.c_str()); }

// What the command line names, opened.
struct Tables {
  std::vector<NamedTable> all;
  std::unique_ptr<Backend> bypass_table;
  std::optional<Bypass> bypass;
  Service::Locate locate;
};

// What could not even be opened has been told already.
int check(const Options& options, Tables& tables) {
  if (tables.bypass_table) tables.all.push_back({"bypass", std::move(tables.bypass_table)});
  bool good = true;
  for (auto& table : tables.all) {
    const auto result = table.backend->check();
    std::printf("%s: %s\n", table.name.c_str(), result.ok() ? "ok" : result.error.c_str());
    good = good && result.ok();
  }
  for (const auto& capture : options.captures) std::printf("%s: ok\n", capture.device.c_str());
  return good ? 0 : kFailed;
}

// Asked to end, or with who started it gone, it lets everybody pass: if deferd is not there either, nobody answers strangers.
// Whose conversation on standard input ends stays until the dead man's switch is thrown: deferd, or the way to it, may be gone
// for good. The next helper withdraws it.
int serve(Stream& stream, Lifeline lifeline, Tables& tables, Captures& captures) {
  std::optional<Service> service;
  std::string nothing, input;
  const auto connected = [&] { service.emplace(tables.all, *tables.bypass, tables.locate); };
  const auto tell = [&](const Passed& passed) { service->passed(passed); };
  // Who does not listen is told nothing, until he has caught up.
  const auto listens = [&] { return service && service->output().size() < kMostWaiting; };
  auto others = captures.descriptors();
  others.push_back(lifeline.descriptor());
  auto now = std::chrono::steady_clock::now();
  if (!stream.over()) connected();
  while (!asked_to_end && !lifeline.is_cut() && !(stream.over() && tables.bypass->is_settled(now))) {
    // Before it is seen whether there is still something to be sent: who has closed his end is gone otherwise.
    if (listens()) service->work();
    const bool has_more = captures.unread() || (service && service->is_reading());
    const int patience = has_more && listens() ? 0 : kTick;
    const auto event = stream.wait(service ? service->output() : nothing, input, patience, others);
    now = std::chrono::steady_clock::now();
    if (event == Stream::Event::connected) connected();
    if (event == Stream::Event::ended) service.reset();
    if (event == Stream::Event::bytes && !service->take(input, now)) {
      log("deferd said something that is not of the protocol; hanging up");
      service.reset();
      stream.hang_up();
    }
    tables.bypass->tick(now);  // after signs of life that have come: tables may have taken longer than anybody's patience
    if (!captures.read(now, listens() ? Captures::Tell(tell) : nullptr)) {
      log(captures.error());
      return kFailed;
    }
  }
  if (lifeline.is_cut()) log("standard input has ended: who started this helper is gone");
  return tables.bypass->leave() || asked_to_end ? 0 : kFailed;
}

// All tables, or the first that cannot be made and why.
bool open_tables(const Options& options, TableMaker& maker, Tables& tables, std::string& error) {
  for (const auto& table : options.tables) {
    auto backend = maker.make(table.kind, table.place, error);
    if (!backend) {
      error = "table " + table.name + ": " + error;
      return false;
    }
    tables.all.push_back({table.name, std::move(backend)});
  }
  if (options.bypass.empty()) return true;
  const auto colon = options.bypass.find(':');
  tables.bypass_table = maker.make(options.bypass.substr(0, colon), options.bypass.substr(colon + 1), error);
  if (!tables.bypass_table) error = "bypass: " + error;
  return tables.bypass_table != nullptr;
}

bool open_captures(const Options& options, Captures& captures, std::string& error) {
  for (const auto& option : options.captures) {
    auto capture = open_capture(option, error);
    if (!capture) return false;
    captures.add(std::move(capture));
  }
  return true;
}

int run(const Options& options) {
  TableMaker maker(options);
  Tables tables;
  Captures captures(options.interfaces);
  std::optional<Stream> stream;
  std::string error;
  if (open_tables(options, maker, tables, error) && open_captures(options, captures, error) && !options.check) {
    if (options.socket.empty())
      stream.emplace();
    else
      stream.emplace(options.socket, options.owner, error);
  }
  if (error.empty()) error = enter_sandbox(options.user, Needs::of(options));
  if (!error.empty()) {
    log(error);
    return kFailed;
  }
  if (options.check) return check(options, tables);
  tables.bypass.emplace(tables.bypass_table.get(), options.patience, std::chrono::steady_clock::now(), log);
  if (auto* device = maker.device())
    tables.locate = [device](const Endpoint& client, const Endpoint& own) {
      return pf_original_destination(*device, client, own);
    };
  return serve(*stream, Lifeline(options.socket.empty() ? -1 : STDIN_FILENO), tables, captures);
}

}  // namespace

int main(int count, char** words) {
  std::string error;
  const auto options = parse_options({words + 1, words + count}, error);
  if (options.help) {
    std::fputs(usage().c_str(), stdout);
    return 0;
  }
  if (!error.empty()) {
    log(error);
    std::fputs(usage().c_str(), stderr);
    return kUsage;
  }
  ::signal(SIGPIPE, SIG_IGN);
  struct sigaction end {};
  end.sa_handler = [](int) { asked_to_end = 1; };
  ::sigaction(SIGTERM, &end, nullptr);
  ::sigaction(SIGINT, &end, nullptr);
  return run(options);
}
