// For tests: a client that is handed over to a fake MTA.
#pragma once
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "deferd/testing/fake_log.h"
#include "smtp/fake_mta.h"
#include "smtp/handover.h"

namespace deferd::smtp {

using std::chrono::milliseconds, std::chrono::seconds;

/// A client at the point where it is handed over, and an I/O thread.
class HandoverTest : public ::testing::Test {
 protected:
  HandoverTest() : work_(boost::asio::make_work_guard(context_)), thread_([this] { context_.run(); }) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw std::runtime_error("socketpair");
    client_ = ends[0];
    ::fcntl(ends[1], F_SETFL, O_NONBLOCK);
    descriptor_ = std::make_unique<boost::asio::posix::stream_descriptor>(context_, ends[1]);
    transport_ = std::make_unique<PlainTransport>(ends[1]);
    const timeval limit{20, 0};
    ::setsockopt(client_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    session_.client = *Address::parse("203.0.113.7");
    session_.client_port = 40'000;
    session_.local = *Address::parse("192.0.2.1");
    session_.local_port = 25;
    order_ = {MtaOrder::What::join, {true, "mail.example.net", "MAIL FROM:<a@example.net>", "RCPT TO:<b@example.org>"}};
    patience_.reply = patience_.rcpt = seconds(20);
  }
  ~HandoverTest() override {
    on_io_thread([this] {
      handover_.reset();
      descriptor_.reset();
    });
    service_.reset();
    work_.reset();
    thread_.join();
    if (client_ >= 0) ::close(client_);
  }

  template <class Work>
  void on_io_thread(Work work) {
    std::promise<void> done;
    boost::asio::post(context_, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  /// `part` plays the MTA after the probe, which finds a good one.
  void serve(FakeMta::Part part) {
    mta_ = std::make_unique<FakeMta>([this, part = std::move(part)](FakeMtaClient& client) {
      if (probed_.exchange(true))
        part(client);
      else
        play_mta(client);
    });
    configure(mta_->address());
    wait_until([&] { return service_->mta()->ready(); });
    ASSERT_TRUE(service_->mta()->ready()) << service_->mta()->why;
  }
  void configure(const std::string& to) {
    HandoverConfig config;
    config.to = to;
    config.probe = std::chrono::hours(1);
    config.led = most_led_;
    service_ = std::make_unique<HandoverService>(log_, metrics_, patience_);
    service_->configure(config, "mx.example.org");
  }
  template <class Condition>
  static bool wait_until(Condition condition) {
    const auto until = std::chrono::steady_clock::now() + seconds(20);
    while (!condition() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    return condition();
  }

  /// Begins; what the client had sent ahead is `unread`.
  void begin(std::string unread = {}) {
    unread_ = std::move(unread);
    on_io_thread([this] {
      handover_ = service_->starter()({context_, *descriptor_, *transport_, session_, order_, unread_, end_,
                                       [this](MtaAnswer answer) {
                                         came({"answered", std::move(answer)});
                                       },
                                       [this] {
                                         handover_.reset();
                                         came({"failed", {}});
                                       },
                                       [this] {
                                         handover_.reset();
                                         descriptor_.reset();
                                         came({"over", {}});
                                       }});
    });
  }
  /// The next order.
  void order(MtaOrder::What what, std::string unread = {}) {
    unread_ = std::move(unread);
    order_.what = what;
    on_io_thread([this] { handover_->go_on(order_, *descriptor_, unread_); });
  }
  /// What came of the last one.
  struct Outcome {
    std::string what;
    MtaAnswer answer;
  };
  Outcome next() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, seconds(20), [this] { return !outcomes_.empty(); })) return {"nothing", {}};
    auto outcome = std::move(outcomes_.front());
    outcomes_.pop_front();
    return outcome;
  }
  std::string outcome() { return next().what; }
  /// The MTA's answer; what else came, if it was none.
  std::string answer() {
    const auto [what, answer] = next();
    return what == "answered" ? answer.reply + (answer.last ? "(last)" : "") + (answer.cut ? "(cut)" : "") : what;
  }
  void hang_up() {
    ::close(client_);
    client_ = -1;
  }

  /// A line the client hears.
  std::string hear() {
    std::string line;
    for (char c = 0; ::recv(client_, &c, 1, 0) == 1 && c != '\n';) line += c;
    return line;
  }
  void say(std::string_view bytes) { ::send(client_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  bool counted(std::string_view result) const {
    return metrics_.text().find("deferd_handover_total{result=\"" + std::string(result) + "\"} 1\n") != std::string::npos;
  }

  /// An MTA's part up to and with its reply to RCPT.
  static void answer(FakeMtaClient& client, std::string_view reply) {
    client.header();
    client.say("220 fake\r\n");
    client.line();
    client.say("250 fake\r\n");
    client.line();
    client.say("250 ok\r\n");
    client.line();
    client.say(reply);
  }

  void came(Outcome outcome) {
    const std::lock_guard lock(mutex_);
    outcomes_.push_back(std::move(outcome));
    changed_.notify_all();
  }

  FakeLog log_;
  Metrics metrics_;
  MtaPatience patience_;
  std::unique_ptr<HandoverService> service_;
  std::unique_ptr<FakeMta> mta_;
  std::atomic<bool> probed_ = false;
  int most_led_ = 20;
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;
  int client_ = -1;
  std::unique_ptr<boost::asio::posix::stream_descriptor> descriptor_;
  std::unique_ptr<PlainTransport> transport_;
  Session session_;
  MtaOrder order_;
  std::string unread_;
  SteadyTime end_ = SteadyTime::max();
  std::unique_ptr<Handover> handover_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Outcome> outcomes_;
};

}  // namespace deferd::smtp
