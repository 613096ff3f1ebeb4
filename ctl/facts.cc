#include "ctl/facts.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/clock.h"
#include "ctl/greeting.h"
#include "pfbridge/helper/command.h"

namespace deferd::ctl {
namespace {

constexpr std::chrono::seconds kPatience(20);

/// The program with its folder: PATH of ordinary users has no sbin.
std::string found(const std::string& program) {
  if (program.find('/') != std::string::npos) return program;
  for (const char* folder : {"/sbin/", "/usr/sbin/", "/usr/local/sbin/", "/bin/", "/usr/bin/", "/usr/local/bin/"})
    if (::access((folder + program).c_str(), X_OK) == 0) return folder + program;
  return program;
}

}  // namespace

Outcome<Value> HostFacts::ask(const std::string& target) { return daemon_.ask_value({"GET", target}); }

Outcome<std::vector<Value>> HostFacts::ask_rows(const std::string& target) {
  std::vector<Value> rows;
  std::optional<Failure> failure;
  auto done = daemon_.each_line(target, [&](std::string_view line) {
    auto row = read_json(line);
    if (row)
      rows.push_back(std::move(*row));
    else
      failure = row.error();
    return !failure;
  });
  if (!done) return tl::unexpected(done.error());
  if (failure) return tl::unexpected(std::move(*failure));
  return rows;
}

ProgramOutput HostFacts::run(const std::vector<std::string>& argv) {
  auto words = argv;
  words.front() = found(words.front());
  auto result = bridge::run_command(words, {}, {kPatience, 16 * 1024 * 1024});
  return {std::move(result.output), std::move(result.failure)};
}

Result<std::string> HostFacts::read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  if (!file) return fail(Errc::io, path + ": " + std::strerror(errno));
  text << file.rdbuf();
  return text.str();
}

Result<std::string> HostFacts::greeting(const Endpoint& endpoint) { return ctl::greeting(endpoint, kPatience); }

Time HostFacts::now() { return SystemClock().now(); }

FilterKind HostFacts::usual_filter() {
#ifdef __linux__
  return FilterKind::nft;
#else
  return FilterKind::pf;
#endif
}

bool HostFacts::root() { return ::geteuid() == 0; }

}  // namespace deferd::ctl
