#include "smtp/goodbyes.h"

#include <utility>

namespace deferd::smtp {

namespace {

constexpr std::size_t kMostGoodbyes = 32;
constexpr std::chrono::milliseconds kGoodbyePause{20};

}  // namespace

void Goodbyes::add(std::unique_ptr<SmtpSession> session) {
  leaving_.push_back(std::move(session));
  if (leaving_.size() == kMostGoodbyes) return say();
  if (leaving_.size() > 1) return;
  timer_.expires_after(kGoodbyePause);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) say();
  });
}

void Goodbyes::say() {
  timer_.cancel();
  if (!leaving_.empty()) workers_.post([leaving = std::exchange(leaving_, {})] {}, WorkerPool::Kind::patient);
}

}  // namespace deferd::smtp
