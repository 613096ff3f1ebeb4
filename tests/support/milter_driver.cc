#include "support/milter_driver.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "deferd/tables.h"
#include "http/client.h"
#include "support/milter_client.h"

extern char** environ;

namespace deferd::scenario {

namespace {

namespace fs = std::filesystem;

/// A folder that goes with its owner.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "deferd-scenario-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// Starts a program with its output in a file. Returns its pid.
pid_t start(const std::vector<std::string>& command, const fs::path& output) {
  std::vector<char*> argv;
  for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("cannot start " + command[0]);
  return pid;
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class MilterDriver : public Driver {
 public:
  MilterDriver(const Scenario& scenario, const std::string& bin_dir, const std::vector<std::string>& plugin_dirs)
      : bin_dir_(bin_dir) {
    const auto config = folder_.path() / "deferd.yaml";
    std::string dirs;
    for (const auto& dir : plugin_dirs) dirs += (dirs.empty() ? "" : ", ") + dir;
    std::ofstream(config) << "store: {engine: memory}\n"
                          << "listen: {milter: [\"" << socket() << "\"]}\n"
                          << "control: {socket: " << (folder_.path() / "control.sock").string() << "}\n"
                          << "plugin_dirs: [" << dirs << "]\n"
                          << scenario.yaml();
    deferd_ = start({bin_dir_ + "/deferd", "-c", config.string(), "--testing-clock", "2026-01-01T00:00:00Z"}, log());
    wait_until_ready();
  }
  ~MilterDriver() override {
    if (deferd_ > 0) {
      ::kill(deferd_, SIGKILL);  // its state is in memory: nothing to save
      ::waitpid(deferd_, nullptr, 0);
    }
  }

  std::string name() const override { return "milter"; }

  Result<Outcome> attempt(const Try& attempt) override {
    try {
      return play(attempt);
    } catch (const std::exception& error) {
      return fail(Errc::io, std::string(error.what()) + "; deferd said:\n" + read_file(log()));
    }
  }
  Result<void> after(std::chrono::seconds duration) override {
    return call("POST", "/v1/testing/clock", "{\"advance\": " + std::to_string(duration.count()) + "}");
  }
  Result<void> add_row(const AddRow& row) override {
    if (row.table == kWhite) return control({"add", row.table, row.prefix, "--for", format_duration(row.duration)});
    // Trapping by hand is no command of deferctl.
    return call("PUT", "/v1/tables/" + row.table,
                R"({"prefix": ")" + row.prefix + R"(", "for": ")" + format_duration(row.duration) + "\"}");
  }
  Result<void> remove(const std::string& prefix) override { return control({"delete", prefix}); }
  Result<void> expect_mail(const ExpectMail& expect) override {
    std::vector<std::string> words{"expect", expect.to, "--for", format_duration(expect.duration)};
    if (!expect.from_domain.empty()) words.insert(words.end(), {"--from", expect.from_domain});
    return control(words);
  }
  Result<void> release() override {
    // The id stands in the log line of the refusal; the log is written a moment after the answer.
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    auto text = read_file(log());
    while (recipients_in(text) < asked_ && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      text = read_file(log());
    }
    auto at = text.rfind(kDeferred);
    if (at == std::string::npos) return fail(Errc::not_found, "nothing was deferred yet");
    at += kDeferred.size();
    return control({"release", text.substr(at, text.find(' ', at) - at)});
  }
  Result<bool> has_row(const std::string& table, const Address& address) override {
    std::string output;
    if (auto listed = control({"--json", "list", table}, &output); !listed) return tl::unexpected(listed.error());
    constexpr std::string_view kPrefix = "\"prefix\":\"";
    for (auto at = output.find(kPrefix); at != std::string::npos; at = output.find(kPrefix, at)) {
      at += kPrefix.size();
      const auto prefix = Prefix::parse(output.substr(at, output.find('"', at) - at));
      if (prefix && prefix->contains(address)) return true;
    }
    return false;
  }

 private:
  static constexpr std::string_view kDeferred = "rcpt.defer id=";

  /// How many recipients a log tells of.
  static std::size_t recipients_in(const std::string& log) {
    std::size_t count = 0;
    for (auto at = log.find(" rcpt="); at != std::string::npos; at = log.find(" rcpt=", at + 1)) ++count;
    return count;
  }

  std::string socket() const { return "unix:" + (folder_.path() / "milter.sock").string(); }
  fs::path log() const { return folder_.path() / "log"; }

  void wait_until_ready() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (read_file(log()).find("deferd.ready") == std::string::npos) {
      if (::waitpid(deferd_, nullptr, WNOHANG) == deferd_) {
        deferd_ = -1;
        throw std::runtime_error("deferd did not start:\n" + read_file(log()));
      }
      if (std::chrono::steady_clock::now() > end)
        throw std::runtime_error("deferd is not ready after 20 s:\n" + read_file(log()));
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  Outcome play(const Try& attempt) {
    MilterClient mta(socket());
    mta.negotiate();
    const auto address = attempt.client.to_string();
    mta.connect(attempt.name.empty() ? "[" + address + "]" : attempt.name, address);
    mta.helo(attempt.helo);
    MilterClient::Pairs macros;
    if (!attempt.auth.empty()) macros.insert(macros.end(), {{"{auth_type}", "PLAIN"}, {"{auth_authen}", attempt.auth}});
    if (!attempt.tls_subject.empty())
      macros.insert(macros.end(), {{"{tls_version}", "TLSv1.3"}, {"{verify}", "OK"}, {"{cert_subject}", attempt.tls_subject}});
    mta.macros(macros);
    mta.mail("<" + attempt.from + ">");
    Outcome outcome;
    bool goes_on = false;
    for (const auto& to : attempt.to) {
      outcome.recipients.push_back(heard(mta.rcpt("<" + to + ">")));
      ++asked_;
      goes_on = goes_on || outcome.recipients.back().code == 0;
    }
    if (goes_on && !attempt.quits) outcome.data = heard(mta.message());
    if (!goes_on || attempt.quits || outcome.data.code != 0) mta.abort();
    mta.quit();
    return outcome;
  }

  static Heard heard(const MilterAnswer& answer) {
    Heard heard;
    if (answer.goes_on()) return heard;
    heard.code = answer.smtp_code();
    if (answer.text.size() > 5 && answer.text[5] == '.') heard.enhanced = answer.text.substr(4, answer.text.find(' ', 4) - 4);
    return heard;
  }

  /// Through deferctl, as an operator would.
  Result<void> control(std::vector<std::string> words, std::string* output = nullptr) {
    words.insert(words.begin(), {bin_dir_ + "/deferctl", "-s", (folder_.path() / "control.sock").string()});
    const auto file = folder_.path() / "deferctl";
    const pid_t pid = start(words, file);
    int status = 0;
    ::waitpid(pid, &status, 0);
    const auto text = read_file(file);
    if (status != 0) return fail(Errc::io, "deferctl " + words[3] + ": " + text);
    if (output != nullptr) *output = text;
    return {};
  }

  /// Straight to the control socket, for what deferctl has no command for.
  Result<void> call(std::string method, std::string target, std::string body) {
    HttpCall request{std::move(method), std::move(target), std::move(body)};
    const auto answer = http_call((folder_.path() / "control.sock").string(), request);
    if (!answer) return tl::unexpected(answer.error());
    return answer->status < 300 ? Result<void>() : fail(Errc::io, request.target + ": " + answer->body);
  }

  const std::string bin_dir_;
  TemporaryFolder folder_;
  pid_t deferd_ = -1;
  std::size_t asked_ = 0;  // recipients
};

}  // namespace

Result<std::unique_ptr<Driver>> make_milter_driver(const Scenario& scenario, const std::string& bin_dir,
                                                   const std::vector<std::string>& plugin_dirs) {
  try {
    return std::make_unique<MilterDriver>(scenario, bin_dir, plugin_dirs);
  } catch (const std::exception& error) {
    return fail(Errc::invalid, error.what());
  }
}

}  // namespace deferd::scenario
