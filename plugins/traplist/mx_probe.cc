#include "mx_probe.h"

#include "tcp.h"

namespace deferd::traplist {

bool greets(const Endpoint& endpoint, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  Line line;
  if (!line.connect(endpoint, deadline)) return false;
  std::string greeting;
  while (greeting.size() < 3)
    if (!line.receive(greeting, deadline)) return false;
  if (!greeting.starts_with("220")) return false;
  line.send("QUIT\r\n", deadline);  // it has said what we wanted to know
  return true;
}

MxProbe::MxProbe(std::vector<Endpoint> servers, std::chrono::milliseconds every, Ask ask, BetterMx& known, const Clock& clock,
                 Log& log)
    : servers_(std::move(servers)),
      every_(every),
      ask_(std::move(ask)),
      known_(known),
      clock_(clock),
      log_(log),
      up_(servers_.size(), true) {}

void MxProbe::start() {
  thread_ = std::thread([this] { run(); });
}

MxProbe::~MxProbe() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void MxProbe::ask_now() {
  {
    const std::lock_guard lock(mutex_);
    asked_ = true;
  }
  wake_.notify_all();
}

void MxProbe::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    asked_ = false;
    lock.unlock();
    round();
    lock.lock();
    wake_.wait_for(lock, every_, [this] { return stopping_ || asked_; });
  }
}

void MxProbe::round() {
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    const auto begun = clock_.steady();
    bool accepts = false;
    try {
      accepts = ask_(servers_[i]);
    } catch (const std::exception& error) {
      log_.error("traplist.probe_failed", {{"error", error.what()}});
    }
    known_.heard(i, accepts, begun);
    if (accepts != up_[i])
      log_.notice(accepts ? "traplist.better_mx_up" : "traplist.better_mx_down",
                  {{"server", Codec<Endpoint>::print(servers_[i])}});
    up_[i] = accepts;
  }
}

}  // namespace deferd::traplist
