#include "host/pipeline.h"

#include <mutex>
#include <random>

#include "host/dialogue.h"
#include "host/resting_dialogue.h"

namespace deferd {

struct Pipeline::State {
  explicit State(HostParts& host_parts)
      : parts(host_parts), runner(parts.clock, parts.log), log(parts), services{parts, runner, log, [this] {
                                                                                  return current();
                                                                                }} {
    std::random_device random;
    session_seed = (static_cast<std::uint64_t>(random()) << 32) | random();
  }

  std::shared_ptr<Generation> current() {
    std::lock_guard lock(mutex);
    return generation;
  }

  /// Unique within a run, and not to be guessed from another (splitmix64 of a counter).
  std::uint64_t next_session() {
    std::uint64_t x = session_seed + 0x9e3779b97f4a7c15ull * (1 + sessions.fetch_add(1, std::memory_order_relaxed));
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
  }

  HostParts& parts;
  HookRunner runner;
  DecisionLog log;
  HostServices services;
  std::mutex mutex;
  std::shared_ptr<Generation> generation;
  std::uint64_t session_seed = 0;
  std::atomic<std::uint64_t> sessions{0};
};

Pipeline::Pipeline(HostParts& parts) : state_(std::make_unique<State>(parts)) {}
Pipeline::~Pipeline() = default;

void Pipeline::use(std::shared_ptr<Generation> generation) {
  generation->show_exempt();
  std::shared_ptr<Generation> former;  // may be destroyed: not under the lock
  std::lock_guard lock(state_->mutex);
  former = std::exchange(state_->generation, std::move(generation));
}

std::shared_ptr<Generation> Pipeline::current() const { return state_->current(); }
HookRunner& Pipeline::runner() { return state_->runner; }
void Pipeline::flush_decisions() { state_->log.flush(); }

std::unique_ptr<Dialogue> Pipeline::open(Session&& session, Voice voice) {
  if (session.id == 0) session.id = state_->next_session();
  return std::make_unique<RestingDialogue>(state_->services, std::move(session), voice);
}

Decision Pipeline::explain(const Session& session, const std::string& rcpt) {
  DialogueImpl dialogue(state_->services, Session(session), Voice::rcpt, DialogueImpl::Mode::dry, DialogueImpl::Past());
  dialogue.mail(session.mail_from);
  return dialogue.rcpt(rcpt);
}

namespace {

/// The Context of a command: no session, the plugin's own store.
class CommandContext : public Context {
 public:
  CommandContext(HostParts& parts, Instance& instance) : parts_(parts), instance_(instance) {}
  const Session& session() const override { return session_; }
  Store& store() override { return instance_.store(); }
  Tables& tables() override { return parts_.engine.tables(); }
  const Clock& clock() const override { return parts_.clock; }
  Log& log() override { return instance_.log(); }
  SteadyTime deadline() const override { return SteadyTime::max(); }
  bool dry() const override { return false; }
  std::shared_ptr<void>& slot() override { return slot_; }

 private:
  HostParts& parts_;
  Instance& instance_;
  Session session_;
  std::shared_ptr<void> slot_;
};

Result<void> ask(HostParts& parts, Instance& instance, std::string_view command, const Value& args, Rows& rows) {
  try {
    CommandContext context(parts, instance);
    return instance.plugin().on_command(context, command, args, rows);
  } catch (const ErrorException& error) {
    return fail(error.code, error.what());
  } catch (const std::exception& error) {
    return fail(Errc::io, "plugin " + instance.name() + ": " + error.what());
  } catch (...) {
    return fail(Errc::io, "plugin " + instance.name() + " threw something that is no exception");
  }
}

}  // namespace

Result<void> Pipeline::command(std::string_view plugin, std::string_view command, const Value& args, Rows& rows) {
  const auto generation = current();
  bool known = false;
  for (const auto& instance : generation->instances()) {
    const bool wanted = plugin.empty() ? (instance->info().hooks & hook::command) != 0 : instance->name() == plugin;
    if (!wanted) continue;
    auto result = ask(state_->parts, *instance, command, args, rows);
    if (!plugin.empty()) return result;
    if (!result && result.error().code != Errc::not_found) return result;
    known = known || result.has_value();
  }
  if (known) return {};
  if (!plugin.empty()) return fail(Errc::not_found, "no plugin is named '" + std::string(plugin) + "'");
  return fail(Errc::not_found, "no loaded plugin knows of this (" + std::string(command) + ")");
}

}  // namespace deferd
