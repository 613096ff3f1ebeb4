#include "pfbridge/helper/captures.h"

#include <algorithm>

namespace deferd::bridge {
namespace {

constexpr std::chrono::seconds kAgain{60};
constexpr std::size_t kRemember = 20'000;  // a few MiB

}  // namespace

Captures::Captures(std::vector<std::string> interfaces) : interfaces_(std::move(interfaces)), told_(kAgain, kRemember) {}

void Captures::add(std::unique_ptr<Capture> capture) {
  if (const int descriptor = capture->descriptor(); descriptor >= 0) descriptors_.push_back(descriptor);
  captures_.push_back(std::move(capture));
}

bool Captures::unread() const {
  return std::any_of(captures_.begin(), captures_.end(), [](const auto& capture) { return capture->descriptor() < 0; });
}

bool Captures::read(Time now, const Tell& tell) {
  const auto at_end = [&](const std::unique_ptr<Capture>& capture) {
    if (!error_.empty() || (!tell && capture->descriptor() < 0)) return false;
    const auto state = capture->read([&](const Connection& connection) { take(connection, now, tell); });
    if (state == Capture::State::failed) error_ = capture->error();
    return state == Capture::State::ended;
  };
  std::erase_if(captures_, at_end);
  return error_.empty();
}

void Captures::take(const Connection& connection, Time now, const Tell& tell) {
  if (!tell) return;
  const auto& on = connection.interface;
  if (!interfaces_.empty() && std::find(interfaces_.begin(), interfaces_.end(), on) == interfaces_.end()) return;
  Passed passed{connection.direction == Direction::in, connection.peer(), on};
  Key key{passed.inbound, passed.host, on};
  if (told_.contains(key, now)) return;
  tell(passed);
  told_.add(std::move(key), now);
}

}  // namespace deferd::bridge
