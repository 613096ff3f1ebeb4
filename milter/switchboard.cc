#include "milter/switchboard.h"

#include <algorithm>
#include <iterator>

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
      sleepers_(metrics.gauge("deferd_milter_sleeping", {}, "Answers being delayed.")),
      config_(std::make_shared<const MilterConfig>(std::move(config))),
      connections_open_(metrics.gauge("deferd_milter_connections", {}, "Open connections from the MTA.")),
      accepted_(messages(metrics, "accepted")),
      refused_(messages(metrics, "refused")),
      replied_continue_(replies(metrics, "continue")),
      replied_tempfail_(replies(metrics, "tempfail")),
      replied_reject_(replies(metrics, "reject")),
      replied_close_(replies(metrics, "close")),
      errors_(metrics.counter("deferd_milter_errors_total", {}, "Faults in handling the MTA's connections; mail passed.")) {}

MilterConnection& Switchboard::connected() {
  const std::lock_guard lock(mutex_);
  auto& connection = connections_.emplace_back(open_, config_);
  connection.place = std::prev(connections_.end());
  connections_open_.set(static_cast<std::int64_t>(connections_.size()));
  return connection;
}

void Switchboard::disconnected(MilterConnection& connection) {
  std::list<MilterConnection> leaving;  // plugins hear of the end outside the lock
  const std::lock_guard lock(mutex_);
  if (connection.counted && --messages_ == 0) idle_.notify_all();
  leaving.splice(leaving.end(), connections_, connection.place);
  connections_open_.set(static_cast<std::int64_t>(connections_.size()));
}

void Switchboard::disconnect_all() {
  std::list<MilterConnection> leaving;
  const std::lock_guard lock(mutex_);
  leaving.swap(connections_);
  messages_ = 0;
  connections_open_.set(0);
}

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
  if (reply.kind == MilterReply::Kind::go_on) {
    replied_continue_.add();
    return;
  }
  (reply.hangs_up() ? replied_close_ : reply.kind == MilterReply::Kind::reject ? replied_reject_ : replied_tempfail_).add();
  if (reply.pace.count() <= 0) return;
  const auto limits = config();
  sleepers_.sleep(std::min(reply.pace, limits->max_delay), limits->max_sleepers);
}

void Switchboard::message_ended(const MilterReply& reply) {
  (reply.kind == MilterReply::Kind::go_on ? accepted_ : refused_).add();
}

void Switchboard::settle(MilterConnection& connection) {
  if (connection.counted == connection.session.busy()) return;
  connection.counted = !connection.counted;
  const std::lock_guard lock(mutex_);
  messages_ += connection.counted ? 1 : -1;
  if (messages_ == 0) idle_.notify_all();
}

void Switchboard::failed(MilterConnection* connection, std::string_view where, std::string_view what) noexcept {
  errors_.add();
  if (connection != nullptr) connection->session.stop_asking();
  try {
    log_.error("milter.fault", {{"at", where}, {"error", what}});
  } catch (...) {  // nothing may be thrown into libmilter
  }
}

bool Switchboard::wait_until_idle(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  return idle_.wait_for(lock, patience, [this] { return messages_ == 0; });
}

}  // namespace deferd
