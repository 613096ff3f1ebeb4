#include "host/decision_log.h"

#include "host/decision_record.h"

namespace deferd {

namespace {

constexpr std::size_t kMostPending = 20000;
constexpr std::size_t kMostPendingBytes = 16 << 20;  // more than so many usually take
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

DecisionLog::DecisionLog(HostParts& parts)
    : parts_(parts),
      left_out_(parts.metrics.counter("deferd_decisions_unrecorded_total", {},
                                      "Decisions that were logged but are unknown to explain and release: at most so many.")),
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

void DecisionLog::write(const Session& session, const Decision& decision) {
  decided_[static_cast<std::size_t>(decision.stage)][static_cast<std::size_t>(decision.verdict.action)]->add();
  write_line(parts_.log, session, decision);
  DecisionRecord record{decision.id, parts_.clock.now(), pack_decision(decision, session)};
  const auto size = record.packed.size();
  const std::lock_guard lock(mutex_);
  if (pending_.size() >= kMostPending || pending_bytes_ + size > kMostPendingBytes) return left_out_.add();
  pending_.push_back(std::move(record));
  pending_bytes_ += size;
  ++accepted_;
}

void DecisionLog::flush() {
  std::unique_lock lock(mutex_);
  const auto target = accepted_;
  flushing_ = true;
  wake_.notify_all();
  written_.wait(lock, [&] { return finished_ >= target; });
}

void DecisionLog::work() {
  std::vector<DecisionRecord> batch;
  std::unique_lock lock(mutex_);
  for (bool last = false; !last;) {
    wake_.wait_for(lock, kBatchEvery, [this] { return stopping_ || flushing_; });
    flushing_ = false;
    last = stopping_;
    batch.swap(pending_);
    pending_bytes_ = 0;
    const auto target = accepted_;
    lock.unlock();
    if (!batch.empty()) store(batch);
    batch.clear();  // its room is used again
    lock.lock();
    finished_ = target;
    written_.notify_all();
  }
}

void DecisionLog::store(const std::vector<DecisionRecord>& batch) {
  try {
    if (auto result = parts_.engine.decisions().append(batch); result) return;
  } catch (const std::exception& error) {
    parts_.log.error("decisions.failed", {{"what", error.what()}});
  }
  left_out_.add(batch.size());
}

}  // namespace deferd
