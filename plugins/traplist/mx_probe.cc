#include "mx_probe.h"

#include "tcp.h"

namespace deferd::traplist {

namespace {

using namespace std::chrono_literals;

constexpr auto kShortestPause = 1s;
constexpr std::size_t kLongestReply = 64 * 1024;

/// One side of a dialogue of SMTP.
class Dialogue {
 public:
  Dialogue(Line& line, Line::Deadline deadline) : line_(line), deadline_(deadline) {}

  /// The reply to the latest command is 2xx. All of its lines are read: `250-` begins one that goes on.
  bool agrees() {
    for (std::size_t begin = 0;;) {
      const auto end = bytes_.find('\n', begin);
      if (end == bytes_.npos) {
        if (bytes_.size() > kLongestReply || !line_.receive(bytes_, deadline_)) return false;
        continue;
      }
      const auto line = std::string_view(bytes_).substr(begin, end - begin);
      if (line.size() < 3 || line.front() != '2') return false;
      begin = end + 1;
      if (line.size() > 3 && line[3] == '-') continue;
      bytes_.erase(0, begin);
      return true;
    }
  }
  bool say(std::string_view command) { return line_.send(command, deadline_); }
  bool asks(std::string_view command) { return say(command) && agrees(); }

 private:
  Line& line_;
  const Line::Deadline deadline_;
  std::string bytes_;
};

/// An address literal, as hosts without a name introduce themselves. RFC 5321 section 4.1.3.
std::string literal_of(const Address& address) { return (address.is_v4() ? "[" : "[IPv6:") + address.to_string() + "]"; }

}  // namespace

bool takes_mail(const Endpoint& endpoint, std::chrono::milliseconds timeout, std::stop_token stop) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  Line line(std::move(stop));
  if (!line.connect(endpoint, deadline)) return false;
  Dialogue dialogue(line, deadline);
  const bool takes =
      dialogue.agrees() && dialogue.asks("EHLO " + literal_of(line.local()) + "\r\n") && dialogue.asks("MAIL FROM:<>\r\n");
  dialogue.say("QUIT\r\n");  // it has said what we wanted to know
  return takes;
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
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void MxProbe::ask_now() {
  {
    const std::lock_guard lock(mutex_);
    asked_ = true;
  }
  wake_.notify_all();
}

void MxProbe::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    asked_ = false;
    lock.unlock();
    round(stop);
    lock.lock();
    wake_.wait_for(lock, stop, kShortestPause, [] { return false; });
    wake_.wait_for(lock, stop, every_ - kShortestPause, [this] { return asked_; });
  }
}

void MxProbe::round(const std::stop_token& stop) {
  for (std::size_t i = 0; i < servers_.size() && !stop.stop_requested(); ++i) {
    const auto begun = clock_.steady();
    bool accepts = false;
    try {
      accepts = ask_(servers_[i], stop);
    } catch (const std::exception& error) {
      log_.error("traplist.probe_failed", {{"error", error.what()}});
    }
    if (stop.stop_requested()) return;  // a question that was broken off tells nothing
    known_.heard(i, accepts, begun);
    if (accepts != up_[i])
      log_.notice(accepts ? "traplist.better_mx_up" : "traplist.better_mx_down",
                  {{"server", Codec<Endpoint>::print(servers_[i])}});
    up_[i] = accepts;
  }
}

}  // namespace deferd::traplist
