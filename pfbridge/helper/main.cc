// deferd-helper: the only part of deferd that may touch the packet filter. ../protocol.md
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "pfbridge/helper/make_table.h"
#include "pfbridge/helper/pf_table.h"
#include "pfbridge/helper/service.h"
#include "pfbridge/helper/stream.h"

namespace {

using namespace deferd::bridge;

constexpr int kUsage = 64, kFailed = 1;
constexpr int kTick = 2'000;  // milliseconds

volatile sig_atomic_t asked_to_end = 0;

void log(const std::string& line) { std::fprintf(stderr, "deferd-helper: %s\n", line.c_str()); }

bool become(const std::string& name) {
  const passwd* user = ::getpwnam(name.c_str());
  if (!user) {
    log("no user " + name);
    return false;
  }
  if (::setgroups(1, &user->pw_gid) == 0 && ::setgid(user->pw_gid) == 0 && ::setuid(user->pw_uid) == 0) return true;
  log("cannot become " + name + ": " + std::strerror(errno));
  return false;
}

int check(std::vector<NamedTable>& tables) {
  bool good = true;
  for (auto& table : tables) {
    const auto result = table.backend->check();
    std::printf("%s: %s\n", table.name.c_str(), result.ok() ? "ok" : result.error.c_str());
    good = good && result.ok();
  }
  return good ? 0 : kFailed;
}

// Whose standard input ends stays until the dead man's switch is thrown: deferd, or the way to it, may be gone for good. The next
// helper withdraws it.
void serve(Stream& stream, std::vector<NamedTable>& tables, Bypass& bypass, const Service::Locate& locate) {
  std::optional<Service> service;
  std::string nothing, input;
  const auto connected = [&] { service.emplace(tables, bypass, locate); };
  if (!stream.over()) connected();
  while (!asked_to_end && !(stream.over() && (!bypass.armed() || bypass.open()))) {
    const auto event = stream.wait(service ? service->output() : nothing, input, kTick);
    const auto now = std::chrono::steady_clock::now();
    bypass.tick(now);
    if (event == Stream::Event::connected) connected();
    if (event == Stream::Event::ended) service.reset();
    if (event == Stream::Event::bytes && !service->take(input, now)) {
      log("deferd said something that is not of the protocol; hanging up");
      service.reset();
      stream.hang_up();
    }
  }
}

int run(const Options& options) {
  TableMaker maker(options);
  std::vector<NamedTable> tables;
  std::string error;
  for (const auto& table : options.tables) {
    auto backend = maker.make(table.kind, table.place, error);
    if (!backend) {
      log("table " + table.name + ": " + error);
      return kFailed;
    }
    tables.push_back({table.name, std::move(backend)});
  }
  std::unique_ptr<Backend> bypass_table;
  if (!options.bypass.empty()) {
    const auto colon = options.bypass.find(':');
    bypass_table = maker.make(options.bypass.substr(0, colon), options.bypass.substr(colon + 1), error);
    if (!bypass_table) {
      log("bypass: " + error);
      return kFailed;
    }
  }
  std::optional<Stream> stream;
  if (!options.check) {
    if (options.socket.empty())
      stream.emplace();
    else
      stream.emplace(options.socket, options.owner, error);
    if (!error.empty()) {
      log(error);
      return kFailed;
    }
  }
  if (!options.user.empty() && !become(options.user)) return kFailed;
  if (options.check) {
    if (bypass_table) tables.push_back({"bypass", std::move(bypass_table)});
    return check(tables);
  }
  Bypass bypass(bypass_table.get(), options.patience, std::chrono::steady_clock::now(), log);
  Service::Locate locate;
  if (auto* device = maker.device())
    locate = [device](const Endpoint& client, const Endpoint& own) { return pf_original_destination(*device, client, own); };
  serve(*stream, tables, bypass, locate);
  return 0;
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
