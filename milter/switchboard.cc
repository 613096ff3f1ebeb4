#include "milter/switchboard.h"

namespace deferd {

namespace {

Counter& replies(Metrics& metrics, std::string_view reply) {
  return metrics.counter("deferd_milter_replies_total", {{"reply", reply}}, "Answers to the MTA.");
}

Counter& messages(Metrics& metrics, std::string_view result) {
  return metrics.counter("deferd_milter_messages_total", {{"result", result}}, "Messages that reached their end.");
}

}  // namespace

Switchboard::Switchboard(MilterConfig config, OpenDialogue open, std::function<std::uint32_t()> hooks, Log& log, Metrics& metrics)
    : open_(std::move(open)),
      hooks_(std::move(hooks)),
      log_(log),
      config_(std::make_shared<const MilterConfig>(std::move(config))),
      accepted_(messages(metrics, "accepted")),
      refused_(messages(metrics, "refused")),
      replied_continue_(replies(metrics, "continue")),
      replied_tempfail_(replies(metrics, "tempfail")),
      replied_reject_(replies(metrics, "reject")),
      replied_close_(replies(metrics, "close")),
      errors_(metrics.counter("deferd_milter_errors_total", {}, "Faults in handling the MTA's connections; mail passed.")) {}

void Switchboard::configure(MilterConfig config) {
  auto next = std::make_shared<const MilterConfig>(std::move(config));
  const std::lock_guard lock(mutex_);
  config_.swap(next);
}

std::shared_ptr<const MilterConfig> Switchboard::config() const {
  const std::lock_guard lock(mutex_);
  return config_;
}

void Switchboard::answering(const MilterReply& reply) {
  if (reply.kind == MilterReply::Kind::go_on)
    replied_continue_.add();
  else
    (reply.hangs_up() ? replied_close_ : reply.kind == MilterReply::Kind::reject ? replied_reject_ : replied_tempfail_).add();
}

void Switchboard::message_ended(const MilterReply& reply) {
  (reply.kind == MilterReply::Kind::go_on ? accepted_ : refused_).add();
}

void Switchboard::in_progress(int change) {
  if (messages_.fetch_add(change) + change != 0 || !awaited_) return;
  const std::lock_guard lock(mutex_);  // whoever waits is not between looking and waiting
  idle_.notify_all();
}

bool Switchboard::wait_until_idle(std::chrono::milliseconds patience) {
  awaited_ = true;
  std::unique_lock lock(mutex_);
  return idle_.wait_for(lock, patience, [this] { return messages_ == 0; });
}

void Switchboard::failed(std::string_view where, std::string_view what) noexcept {
  errors_.add();
  try {
    log_.error("milter.fault", {{"at", where}, {"error", what}});
  } catch (...) {  // an error of the log is not the mail's
  }
}

}  // namespace deferd
