#include "host/decision_log.h"

#include <vector>

#include "host/decision_value.h"

namespace deferd {

namespace {

constexpr std::size_t kMostPending = 20000;
constexpr auto kBatchEvery = std::chrono::milliseconds(200);

std::string_view event_name(Stage stage, Action action) {
  static constexpr std::string_view names[6][5] = {
      {"connect.pass", "connect.accept", "connect.defer", "connect.reject", "connect.close"},
      {"helo.pass", "helo.accept", "helo.defer", "helo.reject", "helo.close"},
      {"mail.pass", "mail.accept", "mail.defer", "mail.reject", "mail.close"},
      {"rcpt.pass", "rcpt.accept", "rcpt.defer", "rcpt.reject", "rcpt.close"},
      {"data.pass", "data.accept", "data.defer", "data.reject", "data.close"},
      {"headers.pass", "headers.accept", "headers.defer", "headers.reject", "headers.close"}};
  return names[static_cast<std::size_t>(stage)][static_cast<std::size_t>(action)];
}

void write_line(Log& log, const Session& session, const Decision& decision) {
  if (!log.enabled(Level::info)) return;
  std::vector<Field> fields;
  fields.reserve(14);
  fields.emplace_back("id", decision.id);
  fields.emplace_back("client", session.client);
  if (!session.client_name.empty()) fields.emplace_back("name", session.client_name);
  if (!session.helo.empty()) fields.emplace_back("helo", session.helo);
  fields.emplace_back("from", session.mail_from);
  if (decision.stage == Stage::rcpt) fields.emplace_back("rcpt", decision.rcpt);
  if (!session.queue_id.empty()) fields.emplace_back("queue", session.queue_id);
  if (!decision.plugin.empty()) fields.emplace_back("plugin", decision.plugin);
  // Of a plain pass, the reason of whoever had one to give.
  const std::string* reason = &decision.verdict.reason;
  for (const auto& answer : decision.trace)
    if (reason->empty() && !answer.shadow) reason = &answer.verdict.reason;
  fields.emplace_back("reason", *reason);
  if (decision.verdict.reply.code != 0 && !decision.lets_through()) fields.emplace_back("code", decision.verdict.reply.code);
  if (decision.verdict.due != Time{}) fields.emplace_back("due", format_time(decision.verdict.due));
  if (decision.waited > Duration::zero()) fields.emplace_back("waited", format_duration(decision.waited));
  if (decision.pace.delay.count() != 0) fields.emplace_back("delay_ms", std::int64_t{decision.pace.delay.count()});
  if (decision.pace.per_byte.count() != 0) fields.emplace_back("stutter_ms", std::int64_t{decision.pace.per_byte.count()});
  if (decision.pace.hold) fields.emplace_back("held", "yes");
  for (const auto& answer : decision.trace)
    if (answer.shadow && answer.verdict.action != Action::pass)
      fields.emplace_back(
          "shadow", answer.plugin + " would " + std::string(to_string(answer.verdict.action)) + ": " + answer.verdict.reason);
  log.write(Level::info, event_name(decision.stage, decision.verdict.action), std::span<const Field>(fields));
}

}  // namespace

struct DecisionLog::Pending {
  Session session;
  std::shared_ptr<const Decision> decision;
  Time when;
};

DecisionLog::DecisionLog(HostParts& parts)
    : parts_(parts),
      left_out_(parts.metrics.counter("deferd_decisions_unrecorded_total", {},
                                      "Decisions that were logged but are unknown to explain and release.")),
      thread_([this] { work(); }) {
  for (std::size_t stage = 0; stage < std::size(decided_); ++stage)
    for (std::size_t action = 0; action < std::size(decided_[stage]); ++action)
      decided_[stage][action] = &parts.metrics.counter(
          "deferd_decisions_total",
          {{"stage", to_string(static_cast<Stage>(stage))}, {"action", to_string(static_cast<Action>(action))}},
          "Decisions on recipients, and on others that were told to a client.");
}

DecisionLog::~DecisionLog() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void DecisionLog::write(const Session& session, const std::shared_ptr<const Decision>& decision) {
  decided_[static_cast<std::size_t>(decision->stage)][static_cast<std::size_t>(decision->verdict.action)]->add();
  write_line(parts_.log, session, *decision);
  std::list<Pending> one(1);  // made before the lock is taken
  auto& pending = one.front();
  pending.session.id = session.id;
  pending.session.client = session.client;
  pending.session.client_name = session.client_name;
  pending.session.front_end = session.front_end;
  pending.session.auth = session.auth;
  pending.session.helo = session.helo;
  pending.session.mail_from = session.mail_from;
  pending.session.queue_id = session.queue_id;
  pending.decision = decision;
  pending.when = parts_.clock.now();
  std::lock_guard lock(mutex_);
  if (pending_.size() >= kMostPending)
    left_out_.add();
  else
    pending_.splice(pending_.end(), one);
}

void DecisionLog::flush() {
  std::unique_lock lock(mutex_);
  flushing_ = true;
  wake_.notify_all();
  written_.wait(lock, [this] { return pending_.empty() && !writing_; });
  flushing_ = false;
}

void DecisionLog::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait_for(lock, kBatchEvery, [this] { return stopping_ || flushing_; });
    while (!pending_.empty()) {
      std::list<Pending> batch;
      batch.swap(pending_);
      writing_ = true;
      lock.unlock();
      store(batch);
      batch.clear();
      lock.lock();
      writing_ = false;
    }
    written_.notify_all();
    if (stopping_) return;
    if (flushing_) written_.wait_for(lock, kBatchEvery, [this] { return !flushing_ || stopping_; });
  }
}

void DecisionLog::store(const std::list<Pending>& batch) {
  try {
    std::vector<DecisionRecord> records;
    records.reserve(batch.size());
    for (const auto& pending : batch)
      records.push_back(
          {pending.decision->id, pending.when, decision_value(*pending.decision, pending.session, pending.when).to_json()});
    if (auto result = parts_.engine.decisions().append(records); result) return;
  } catch (const std::exception& error) {
    parts_.log.error("decisions.failed", {{"what", error.what()}});
  }
  left_out_.add(batch.size());
}

}  // namespace deferd
