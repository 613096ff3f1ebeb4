#include "support/scenario_daemon.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "deferd/tables.h"
#include "http/client.h"
#include "http/json.h"

extern char** environ;

namespace deferd::scenario {

namespace {

namespace fs = std::filesystem;

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

/// Asks every 5 ms. False if it does not come true within the limit.
template <class Condition>
bool wait_for(std::chrono::seconds limit, Condition&& condition) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

std::string text_of(const Value& event, std::string_view key) {
  const Value* value = event.find(key);
  return value != nullptr && value->is_text() ? value->text() : std::string();
}

/// Nullopt: the event is something else.
std::optional<Decided> decision_in(const Value& event) {
  const auto name = text_of(event, "event");
  if (!name.starts_with("rcpt.")) return std::nullopt;
  Decided decided;
  decided.id = text_of(event, "id");
  decided.rcpt = text_of(event, "rcpt");
  decided.heard.plugin = text_of(event, "plugin");
  decided.reason = text_of(event, "reason");
  const Value* code = event.find("code");
  if (name == "rcpt.defer") decided.heard.code = 451;
  if (name == "rcpt.reject") decided.heard.code = 550;
  if (name == "rcpt.close") decided.heard.code = 421;
  if (decided.heard.code != 0 && code != nullptr) decided.heard.code = static_cast<int>(code->integer());
  return decided;
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "deferd-scenario-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

ScenarioDaemon::ScenarioDaemon(const Scenario& scenario, std::string front_end, const std::string& bin_dir,
                               const std::vector<std::string>& plugin_dirs)
    : bin_dir_(bin_dir) {
  constexpr std::string_view kFolder = "$FOLDER";
  for (auto at = front_end.find(kFolder); at != std::string::npos; at = front_end.find(kFolder))
    front_end.replace(at, kFolder.size(), folder_.path().string());
  std::string dirs;
  for (const auto& dir : plugin_dirs) dirs += (dirs.empty() ? "" : ", ") + dir;
  // The scenario's lines come first, as reasons may name them.
  std::ofstream(path("deferd.yaml")) << scenario.yaml() << "store: {engine: memory}\n"
                                     << "control: {socket: " << path("control.sock") << "}\n"
                                     << "log: {format: json}\n"
                                     << "plugin_dirs: [" << dirs << "]\n"
                                     << front_end;
  deferd_ = start({bin_dir_ + "/deferd", "-c", path("deferd.yaml"), "--testing-clock", "2026-01-01T00:00:00Z"}, path("log"));
  wait_until_ready();
}

ScenarioDaemon::~ScenarioDaemon() {
  if (deferd_ <= 0) return;
  ::kill(deferd_, SIGKILL);  // its state is in memory: nothing to save
  ::waitpid(deferd_, nullptr, 0);
}

std::string ScenarioDaemon::log() const { return read_file(path("log")); }

const std::vector<Value>& ScenarioDaemon::events() {
  std::ifstream file(path("log"));
  file.seekg(static_cast<std::streamoff>(read_));
  for (std::string line; std::getline(file, line) && !file.eof();) {  // the last may still be half written
    read_ += line.size() + 1;
    auto event = parse_json(line);
    if (!event || !event->is_map()) continue;
    if (auto decided = decision_in(*event)) decisions_.push_back(std::move(*decided));
    events_.push_back(std::move(*event));
  }
  return events_;
}

const std::vector<Decided>& ScenarioDaemon::decisions(std::size_t count) {
  const bool all = wait_for(std::chrono::seconds(10), [&] {
    events();
    return decisions_.size() >= count;
  });
  if (!all)
    throw std::runtime_error("the log tells of " + std::to_string(decisions_.size()) + " decisions, not of " +
                             std::to_string(count));
  return decisions_;
}

void ScenarioDaemon::wait_until_ready() {
  bool ended = false;
  const bool ready = wait_for(std::chrono::seconds(20), [&] {
    ended = ::waitpid(deferd_, nullptr, WNOHANG) == deferd_;
    return ended || log().find("deferd.ready") != std::string::npos;
  });
  if (ended) deferd_ = -1;
  if (ended) throw std::runtime_error("deferd did not start:\n" + log());
  if (ready) return;
  ::kill(deferd_, SIGKILL);
  ::waitpid(deferd_, nullptr, 0);
  throw std::runtime_error("deferd is not ready after 20 s:\n" + log());
}

Result<void> ScenarioDaemon::after(std::chrono::seconds duration) {
  return call("POST", "/v1/testing/clock", "{\"advance\": " + std::to_string(duration.count()) + "}");
}

Result<void> ScenarioDaemon::add_row(const AddRow& row) {
  if (row.table == kWhite) return control({"add", row.table, row.prefix, "--for", format_duration(row.duration)});
  // Trapping by hand is no command of deferctl.
  return call("PUT", "/v1/tables/" + row.table,
              R"({"prefix": ")" + row.prefix + R"(", "for": ")" + format_duration(row.duration) + "\"}");
}

Result<void> ScenarioDaemon::remove(const std::string& prefix) { return control({"delete", prefix}); }

Result<void> ScenarioDaemon::expect_mail(const ExpectMail& expect) {
  std::vector<std::string> words{"expect", expect.to, "--for", format_duration(expect.duration)};
  if (!expect.from_domain.empty()) words.insert(words.end(), {"--from", expect.from_domain});
  return control(words);
}

Result<void> ScenarioDaemon::release(std::size_t recipients_so_far) {
  const auto& decisions = this->decisions(recipients_so_far);
  for (auto decided = decisions.rbegin(); decided != decisions.rend(); ++decided)
    if (decided->heard.code / 100 == 4) return control({"release", decided->id});
  return fail(Errc::not_found, "nothing was deferred yet");
}

Result<bool> ScenarioDaemon::has_row(const std::string& table, const Address& address) {
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

Result<void> ScenarioDaemon::control(std::vector<std::string> words, std::string* output) {
  words.insert(words.begin(), {bin_dir_ + "/deferctl", "-s", path("control.sock")});
  const pid_t pid = start(words, path("deferctl"));
  int status = 0;
  ::waitpid(pid, &status, 0);
  const auto text = read_file(path("deferctl"));
  if (status != 0) return fail(Errc::io, "deferctl " + words[3] + ": " + text);
  if (output != nullptr) *output = text;
  return {};
}

Result<void> ScenarioDaemon::call(std::string method, std::string target, std::string body) {
  HttpCall request{std::move(method), std::move(target), std::move(body)};
  const auto answer = http_call(path("control.sock"), request);
  if (!answer) return tl::unexpected(answer.error());
  return answer->status < 300 ? Result<void>() : fail(Errc::io, request.target + ": " + answer->body);
}

}  // namespace deferd::scenario
