// The milter with a scripted pipeline, for tests: libmilter cannot be started twice in a process, so each test has one of these.
//
// milter_test_server SOCKET [voice=connect|rcpt|data] [hooks=NUMBER] [pace=MS] [drain=S] [mode=OCTAL]
//
// Prints "listening" when it serves, then one line for each call of a dialogue; a recipient `hang@...` hangs for ever. SIGTERM
// ends it in good order: "stopped"; SIGHUP prints "hup" and what would need a restart if the socket, the voice (connect) and the
// header had changed. Exit status 2: cannot listen, stderr says why; 5: a dialogue hangs.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <string>

#include "base/clock.h"
#include "milter/milter_server.h"
#include "milter/scripted_dialogue.h"
#include "ops/signals.h"

namespace deferd {
namespace {

class StderrLog : public Log {
 public:
  bool enabled(Level) const override { return true; }
  void write(Level, std::string_view event, std::span<const Field> fields) override {
    std::string line(event);
    for (const auto& field : fields) line += " " + std::string(field.key) + "=" + field.text;
    say(stderr, line);
  }
  static void say(std::FILE* to, std::string line) {
    line += '\n';
    if (::write(::fileno(to), line.data(), line.size()) < 0) ::_exit(3);
  }
};

struct Options {
  MilterConfig config;
  Script script;
};

bool take(Options& options, const std::string& argument) {
  const auto equals = argument.find('=');
  const auto key = argument.substr(0, equals);
  const auto value = argument.substr(equals + 1);
  if (key == "voice")
    options.config.voice = value == "connect" ? Voice::connect : value == "data" ? Voice::data : Voice::rcpt;
  else if (key == "hooks")
    options.script.hooks = static_cast<std::uint32_t>(std::stoul(value, nullptr, 0));
  else if (key == "pace")
    options.script.pace = std::chrono::milliseconds(std::stol(value));
  else if (key == "drain")
    options.config.drain = std::chrono::seconds(std::stol(value));
  else if (key == "mode")
    options.config.socket_mode = or_throw(Codec<FileMode>::parse(value));
  else
    return false;
  options.script.voice = options.config.voice;
  return true;
}

int run(int argc, char** argv) {
  Options options;
  for (int i = 2; i < argc; ++i)
    if (!take(options, argv[i])) return 64;
  auto& script = options.script;
  script.on_call = [](std::string_view call) {
    StderrLog::say(stdout, std::string(call));
    while (call.starts_with("rcpt hang@")) ::pause();
  };
  StderrLog log;
  Metrics metrics;
  SignalWaiter signals;
  MilterServer server(
      or_throw(MilterSocket::parse(argv[1])), options.config,
      {[&script](Session session, Voice) { return std::make_unique<ScriptedDialogue>(script, std::move(session)); },
       [&script] { return script.hooks; }, [&signals](const std::string&) { signals.post(MainEvent::failed); }, log, metrics});
  MilterConfig changed = options.config;
  changed.voice = Voice::connect;
  changed.header = "X-Other";
  server.start();
  StderrLog::say(stdout, "listening");
  for (;;) switch (signals.wait()) {
      case MainEvent::reload:
        StderrLog::say(stdout, "hup " + server.why_restart(or_throw(MilterSocket::parse("unix:/other")), changed));
        break;
      case MainEvent::failed:
        return 4;
      case MainEvent::terminate:
        if (!server.stop()) ::_exit(5);
        std::cout << metrics.text() << "stopped" << std::endl;
        return 0;
    }
}

}  // namespace
}  // namespace deferd

int main(int argc, char** argv) {
  if (argc < 2) return 64;
  try {
    return deferd::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;
    return 2;
  }
}
