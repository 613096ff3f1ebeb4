#include "daemon/daemon.h"

#include <filesystem>

#include "base/clock.h"
#include "config/yaml.h"
#include "daemon/accounts.h"
#include "daemon/helper.h"
#include "host/generation.h"
#include "store/memory_engine.h"
#include "store/rocksdb_engine.h"

namespace deferd {

namespace {

/// Errors of the file stay with their places; anything else is told as it is.
std::shared_ptr<const Exempt> build_exempt(const ExemptConfig& config) {
  Problems problems;
  auto exempt = Exempt::build(config, problems);
  if (!exempt) throw ConfigError(std::move(problems));
  return exempt;
}

std::vector<MilterSocket> milter_sockets(const DaemonConfig& config) {
  std::vector<MilterSocket> sockets;
  for (const auto& text : config.listen.milter) sockets.push_back(or_throw(MilterSocket::parse(text)));
  return sockets;
}

std::vector<std::string> plugin_dirs(const DaemonConfig& config) {
  return config.plugin_dirs.empty() ? default_plugin_dirs() : config.plugin_dirs;
}

}  // namespace

std::vector<std::string> default_plugin_dirs() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) {
    const auto built = program.parent_path().parent_path() / "plugins";
    if (program.parent_path().filename() == "bin" && std::filesystem::is_directory(built, error)) return {built.string()};
  }
  return {DEFERD_PLUGIN_DIR};
}

Daemon::Daemon(std::string config_file, LoadedConfig loaded, const Clock& clock, TestingClock* testing_clock, LogWriter& log,
               Lent lent)
    : config_file_(std::move(config_file)),
      started_with_(std::move(loaded)),
      clock_(clock),
      log_(log),
      lent_(std::move(lent)),
      exempt_(started_with_.config.exempt) {
  const auto& config = started_with_.config;
  open_engine();
  parts_.reset(new HostParts{clock_, log_, metrics_, *engine_});  // clang 14: std::make_unique takes no aggregates
  parts_->lent_commands = lent_.commands;
  loader_ = std::make_unique<Loader>(plugin_dirs(config), log_);
  pipeline_ = std::make_unique<Pipeline>(*parts_);
  pipeline_->use(make_plugins(started_with_));
  housekeeping_ = std::make_unique<Housekeeping>(*parts_, *pipeline_);
  milter_ = std::make_unique<MilterServer>(
      milter_sockets(config), config.milter,
      MilterServer::Wiring{[this](Session&& session, Voice voice) { return pipeline_->open(std::move(session), voice); },
                           [this] { return pipeline_->current()->hooks(); }, log_, metrics_});
  if (!config.listen.smtp.empty()) {
    auto prepared = SmtpService::prepare(config.smtp, lent_.open_tls_file);
    if (!prepared) {
      Problems problems;
      problems.error({}, "smtp.tls", prepared.error().what);
      throw ConfigError(std::move(problems));
    }
    smtp_ = std::make_unique<SmtpService>(
        config.listen.smtp, std::move(*prepared),
        SmtpService::Wiring{[this](Session&& session, Voice voice) { return pipeline_->open(std::move(session), voice); }, clock_,
                            log_, metrics_},
        std::move(lent_.smtp));
  }
  if (!config.control.socket.empty()) {
    api_ = std::make_unique<ControlApi>(ControlParts{*pipeline_, *engine_, metrics_, clock_, log_, operations(testing_clock)});
    auto listener = or_throw(Listener::open(config.control.socket, {{}, config.control.group, config.control.mode}));
    control_ = std::make_unique<HttpServer>(
        std::move(listener), HttpLimits{}, [this](const HttpRequest& request, HttpReply& reply) { api_->handle(request, reply); },
        log_);
  }
}

Daemon::~Daemon() { stop(); }

void Daemon::open_engine() {
  auto config = started_with_.config.store;
  config.decisions = started_with_.config.decisions;
  if (config.engine == StoreConfig::Kind::memory)
    engine_ = make_memory_engine(clock_);
  else
    engine_ = or_throw(open_rocksdb_engine(config, clock_, log_));
}

std::shared_ptr<Generation> Daemon::make_plugins(const LoadedConfig& loaded) {
  return make_generation(
      loaded.plugins, [this](const std::string& name) { return loader_->load(name); }, build_exempt(loaded.config.exempt),
      *parts_, pipeline_->runner());
}

void Daemon::start() {
  housekeeping_->start();
  milter_->start();
  for (const auto& socket : milter_->sockets()) log_.notice("milter.listening", {{"socket", socket.to_string()}});
  if (smtp_) smtp_->start();
  if (control_) log_.notice("control.listening", {{"socket", control_->path()}});
}

bool Daemon::stop(const std::function<bool()>& hurry) {
  // The MTA that clients were handed over to may be asking our milter about them.
  const bool quiet = (!smtp_ || smtp_->stop(hurry)) && (!milter_ || milter_->stop());
  if (!quiet) {
    parts_->own_commands.end();  // nobody lets go of them any more
    return false;
  }
  control_.reset();
  smtp_.reset();
  milter_.reset();
  housekeeping_.reset();
  return true;
}

void Daemon::reap() { parts_->own_commands.reap(); }

std::vector<std::string> Daemon::need_restart(const DaemonConfig& now) const {
  const auto& was = started_with_.config;
  std::vector<std::string> what;
  if (now.listen.smtp.empty() != was.listen.smtp.empty()) {
    what.emplace_back("listen.smtp");
  } else if (smtp_) {
    if (auto why = smtp_->why_restart(now.listen.smtp, now.smtp); !why.empty()) what.push_back(std::move(why));
  }
  if (now.store.engine != was.store.engine || now.store.path != was.store.path) what.emplace_back("store");
  if (now.control.socket != was.control.socket || now.control.mode != was.control.mode || now.control.group != was.control.group)
    what.emplace_back("control");
  if (now.user != was.user || now.group != was.group) what.emplace_back("user and group");
  if (now.commands != was.commands) what.emplace_back("commands");
  if (now.helpers != was.helpers) what.emplace_back("helpers");
  if (now.plugin_dirs != was.plugin_dirs) what.emplace_back("plugin_dirs");
  return what;
}

Result<std::string> Daemon::reload() {
  std::lock_guard lock(reload_mutex_);
  Problems problems;
  const auto refuse = [&]() -> tl::unexpected<Error> {
    for (const auto& problem : problems.list())
      log_.error("reload.problem",
                 {{"line", static_cast<std::int64_t>(problem.mark.line)}, {"at", problem.path}, {"what", problem.message}});
    log_.error("reload.refused", {{"file", config_file_}, {"what", "the former configuration stays in force"}});
    return fail(Errc::invalid, problems.to_string(config_file_) + "the former configuration stays in force");
  };
  auto loaded = load_config(config_file_, problems);
  if (!loaded) return refuse();
  try {
    auto generation = make_plugins(*loaded);
    auto milter = milter_->prepare(milter_sockets(loaded->config), loaded->config.milter);
    if (!milter) {
      problems.error({}, "listen.milter", milter.error().what);
      return refuse();
    }
    auto smtp = SmtpService::prepare(loaded->config.smtp, lent_.open_tls_file);
    if (smtp_ && !smtp) {
      problems.error({}, "smtp.tls", smtp.error().what);
      return refuse();
    }
    if (auto result = log_.reconfigure(loaded->config.log); !result) {
      problems.error({}, "log", result.error().what);
      return refuse();
    }
    pipeline_->use(std::move(generation));
    *exempt_.lock() = loaded->config.exempt;
    milter_->apply(std::move(*milter));
    if (smtp_) smtp_->apply(std::move(*smtp));
  } catch (const ConfigError& error) {
    problems = error.problems;
    return refuse();
  } catch (const std::exception& error) {
    problems.error({}, "", error.what());
    return refuse();
  }
  std::string told = "reloaded " + config_file_;
  for (const auto& what : need_restart(loaded->config)) {
    log_.warning("reload.restart_needed", {{"what", what}});
    told += "\nonly after a restart: " + what;
  }
  log_.notice("reload.done", {{"file", config_file_}});
  lent_.reloaded();
  return told;
}

Operations Daemon::operations(TestingClock* testing_clock) {
  Operations operations;
  operations.reload = [this] { return reload(); };
  operations.status = [this] { return status(); };
  operations.setup = [this] { return setup(); };
  operations.plugins = [this] { return plugins(); };
  if (testing_clock != nullptr)
    operations.testing_clock = [this, testing_clock](std::optional<Duration> advance, std::optional<Time> set) -> Result<Time> {
      if (set) testing_clock->set(*set);
      if (advance) testing_clock->advance(*advance);
      housekeeping_->nudge();
      return testing_clock->now();
    };
  return operations;
}

Value Daemon::status() {
  Value status = Value::map();
  status.set("version", DEFERD_VERSION);
  status.set("config", config_file_);
  Value milter = Value::list();
  for (const auto& socket : milter_->sockets()) milter.append(socket.to_string());
  status.set("milter", std::move(milter));
  Value smtp = Value::list();
  if (smtp_)
    for (const auto& socket : smtp_->listening()) smtp.append(socket);
  status.set("smtp", std::move(smtp));
  if (log_.lost() > 0) status.set("log_lines_lost", log_.lost());
  return status;
}

std::vector<Value> Daemon::plugins() {
  std::vector<Value> rows;
  for (const auto& instance : pipeline_->current()->instances()) {
    Value row = Value::map();
    row.set("name", instance->name());
    row.set("plugin", instance->info().name);
    row.set("version", instance->info().version);
    Value& hooks = row.set("hooks", Value::list());
    for (std::size_t i = 0; i < kHooks; ++i)
      if (instance->has(static_cast<Hook>(i))) hooks.append(to_string(static_cast<Hook>(i)));
    row.set("state", instance->health.quarantined() ? "quarantined" : instance->health.pooled() ? "slow" : "ok");
    row.set("shadow", instance->options().shadow);
    row.set("budget", format_duration(instance->options().budget));
    rows.push_back(std::move(row));
  }
  return rows;
}

void check_config(const std::string& config_file, Problems& problems) {
  const auto file = load_yaml(config_file, problems);
  if (!file) return;
  const auto loaded = read_what_is_right(*file, problems);
  if (!problems.failed()) Exempt::build(loaded.config.exempt, problems);
  if (!problems.failed() && loaded.config.exempt.own_mx.empty() && loaded.config.exempt.relays.empty())
    problems.warning(
        {}, "exempt",
        "neither own_mx nor relays is set: if mail also comes in through a backup MX or a forwarder of yours, name it "
        "there, or its mail waits too");
  if (!problems.failed()) check_smtp(loaded.config, *file, SystemClock().now(), problems);
  for (std::size_t i = 0; !problems.failed() && i < loaded.config.helpers.size(); ++i)
    if (auto program = find_helper(loaded.config.helpers[i].front()); !program)
      problems.error(file->find("helpers")->items()[i].mark(), "helpers[" + std::to_string(i) + "]", program.error().what);
  check_accounts(loaded.config, *file, problems);
  // A log of its own: loading says why a library is passed over.
  struct Silent : Log {
    bool enabled(Level) const override { return false; }
    void write(Level, std::string_view, std::span<const Field>) override {}
  } silent;
  Loader loader(plugin_dirs(loaded.config), silent);
  check_plugins(
      loaded.plugins, [&](const std::string& name) { return loader.load(name); }, problems);
}

}  // namespace deferd
