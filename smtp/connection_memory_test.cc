// What a client costs that is told something slowly, with a real pipeline: its seat, its session, its place in the books.
#include <sys/socket.h>

#include <array>

#include "host/host_fixture.h"
#include "smtp/counted_memory.h"
#include "smtp/seat.h"

namespace deferd::smtp {
namespace {

using namespace std::chrono_literals;

class ConnectionMemoryTest : public HostTest, protected ConnectionOwner {
 protected:
  static constexpr std::size_t kClients = 200;

  ConnectionMemoryTest() {
    Pace slow;
    slow.per_byte = 1s;
    deferd::Script listed, silent, tarpit;
    listed.connect = [](Context& context) {
      if (context.session().client.bytes()[0] != 10) return Verdict::pass();
      return Verdict::defer({450, "4.7.1", "Your address 10.0.0.7 is on a list"}, "listed in one").tagged("blacklist.hit");
    };
    silent.rcpt = [](Context&, const std::string&) { return Verdict::pass(); };
    silent.disconnect = [](Context&) {};
    tarpit.reply = [slow](Context& context, const Decision& decision) mutable {
      static_cast<void>(context.slot());
      slow.hold = decision.verdict.action == Action::defer;
      return slow;
    };
    use({{"rules", silent}, {"traplist", silent}, {"blacklist", listed}, {"greylist", silent}, {"tarpit", tarpit}});
    auto config = std::make_shared<SmtpConfig>();
    config->name = "mx.example.org";
    SessionRules rules;
    rules.config = std::move(config);
    rules.clock = &clock_;
    rules_ = std::make_shared<const SessionRules>(std::move(rules));
    log_.clear();
  }
  ~ConnectionMemoryTest() override {
    for (auto& seat : seats_) admission_.leave(*seat);
    seats_.clear();
    for (const int end : ends_) ::close(end);
  }

  /// So many clients, each of a network of its own below `first`.
  void come(std::uint32_t first) {
    std::vector<std::array<int, 2>> pairs(kClients);
    for (auto& pair : pairs) ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()), 0);
    for (const auto& pair : pairs) ends_.push_back(pair[1]);
    seats_.reserve(kClients);
    before_ = live_bytes();
    for (const auto& pair : pairs) {
      auto& seat = *seats_.emplace_back(std::make_unique<Seat>(static_cast<ConnectionOwner&>(*this), 0, pair[0], rules_->config));
      Session known;
      known.client = Address::v4(first += 256);
      known.front_end = "smtp";
      known.listener = "192.0.2.25:8025";
      ASSERT_EQ(admission_.enter(seat, network_of(known.client), now_).refusal, Admission::Refusal::none);
      seat.start(std::move(known), false);
      answer(seat);
      ASSERT_EQ(seat.state(), Connection::State::stuttering);
    }
  }
  void say(std::string_view line) {
    for (std::size_t i = 0; i < kClients; ++i) {
      while (seats_[i]->state() == Connection::State::stuttering) {  // to the end of the reply
        now_ += TimerWheel::kTick;
        wheel_.turn(now_, [](Timed& timed) { static_cast<Connection&>(timed).due(); });
      }
    }
    for (std::size_t i = 0; i < kClients; ++i) {
      ASSERT_EQ(::send(ends_[i], line.data(), line.size(), MSG_NOSIGNAL), static_cast<ssize_t>(line.size()));
      seats_[i]->ready();
      answer(*seats_[i]);
      ASSERT_EQ(seats_[i]->state(), Connection::State::stuttering);
    }
  }
  std::size_t bytes_each() {
    log_.clear();
    return (live_bytes() - before_) / kClients;
  }

 private:
  void answer(Seat& seat) {
    while (std::exchange(thinking_, false)) seat.answered(seat.session()->answer());
  }

  SteadyTime now() const override { return now_; }
  TimerWheel& wheel() override { return wheel_; }
  void wait(Connection&, Until) override {}
  void think(Connection&) override { thinking_ = true; }
  std::unique_ptr<SmtpSession> open(Connection&, Session&& known) override {
    return std::make_unique<SmtpSession>(rules_, open_, std::move(known), log_);
  }
  void holding(Connection& connection) override { static_cast<void>(admission_.hold(static_cast<Seat&>(connection))); }
  std::shared_ptr<TlsContext> start_tls(Connection&) override { return nullptr; }
  void hand_over(Connection&) override {}
  void leave_mta(Connection&) override {}
  void slowed(Connection&, int) override {}
  void stuttered(std::size_t) override {}
  void over(Connection&) override {}

  OpenDialogue open_ = [this](Session known, Voice voice) { return pipeline_.open(std::move(known), voice); };
  std::shared_ptr<const SessionRules> rules_;
  SteadyTime now_{1h};
  TimerWheel wheel_{now_};
  Admission admission_{{}, 1};
  std::vector<std::unique_ptr<Seat>> seats_;
  std::vector<int> ends_;
  std::size_t before_ = 0;
  bool thinking_ = false;
};

// A client kept busy is allowed 1 KiB.
TEST_F(ConnectionMemoryTest, OfAHeldClientIsSmall) {
  come(0x0A000007);
  EXPECT_LE(bytes_each(), 1024u) << "while it hears the banner";
  say("EHLO client.example.org\r\n");
  EXPECT_LE(bytes_each(), 1024u) << "after EHLO";
  say("MAIL FROM:<someone@example.org> SIZE=1000\r\n");
  EXPECT_LE(bytes_each(), 1152u) << "within a transaction: with the sender";
}

TEST_F(ConnectionMemoryTest, OfAStrangerIsSmallToo) {
  come(0xC0000207);
  EXPECT_LE(bytes_each(), 1024u) << "while it hears the banner";
  say("EHLO client.example.org\r\n");
  EXPECT_LE(bytes_each(), 1024u) << "after EHLO";
}

}  // namespace
}  // namespace deferd::smtp
