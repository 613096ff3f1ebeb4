#include "smtp/splice.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>

namespace deferd::smtp {
namespace {

using boost::asio::posix::stream_descriptor;

/// A splice between two socket pairs; the test holds the far ends and turns the context itself.
class SpliceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    make(client_, client_near_);
    make(mta_, mta_near_);
  }
  ~SpliceTest() override {
    if (splice_) splice_->stop();
    turn();
    for (const int end : {client_, mta_})
      if (end >= 0) ::close(end);
  }

  void start(std::string to_client = {}, std::string to_mta = {}, SpliceLimits limits = {}) {
    descriptor_.emplace(context_, client_near_);
    SpliceEnds ends{*descriptor_, transport(), mta_near_, std::move(to_client), std::move(to_mta)};
    if (watched_) ends.watch = std::make_unique<MessageWatch>(*watched_);
    splice_ = Splice::start(context_, std::move(ends), limits,
                            {[this](const Splice::Total& total) {
                               total_ = total;
                               descriptor_.reset();
                             },
                             [this](const TakenMessage& message) { taken_.push_back(message.sender); }});
    turn();
  }

  /// Runs what is ready to run.
  void turn() {
    context_.restart();
    context_.poll();
  }
  template <class Condition>
  bool wait_until(Condition condition) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition() && std::chrono::steady_clock::now() < until) {
      context_.restart();
      context_.run_one_for(std::chrono::milliseconds(100));
    }
    return condition();
  }

  static ssize_t send(int end, std::string_view bytes) { return ::send(end, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  /// What has arrived; at the end of the connection "<end>".
  std::string receive(int end) {
    std::string bytes(1 << 20, '\0');
    const auto got = ::recv(end, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got == 0) return "<end>";
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
  }
  /// Waits until `end` has received as much.
  std::string receive(int end, std::size_t size) {
    std::string all;
    wait_until([&] {
      const auto piece = receive(end);
      if (piece != "<end>") all += piece;
      return all.size() >= size || piece == "<end>";
    });
    return all;
  }
  /// Bytes that have arrived there, but were not read.
  static std::size_t waiting_in(int end) {
    int bytes = 0;
    ::ioctl(end, FIONREAD, &bytes);
    return static_cast<std::size_t>(bytes);
  }
  void close(int& end) {
    ::close(end);
    end = -1;
  }

  virtual Transport& transport() { return plain_.emplace(client_near_); }

  boost::asio::io_context context_;
  int client_ = -1, mta_ = -1, client_near_ = -1, mta_near_ = -1;
  std::optional<stream_descriptor> descriptor_;
  std::optional<PlainTransport> plain_;
  std::shared_ptr<Splice> splice_;
  std::optional<Splice::Total> total_;
  std::optional<HandoverEnvelope> watched_;
  std::vector<std::string> taken_;  // their senders

 private:
  static void make(int& far, int& near) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    far = ends[0];
    near = ends[1];
    ::fcntl(near, F_SETFL, O_NONBLOCK);
  }
};

TEST_F(SpliceTest, CarriesWhatEitherSays) {
  start();
  send(client_, "DATA\r\n");
  EXPECT_EQ(receive(mta_, 6), "DATA\r\n");
  send(mta_, "354 go on\r\n");
  EXPECT_EQ(receive(client_, 11), "354 go on\r\n");
}

TEST_F(SpliceTest, SaysFirstWhatWasSaidBefore) {
  send(client_, "DATA\r\n");
  send(mta_, "250 second\r\n");
  start("250 first\r\n", "RCPT TO:<b@example.org>\r\n");
  EXPECT_EQ(receive(client_, 23), "250 first\r\n250 second\r\n");
  EXPECT_EQ(receive(mta_, 31), "RCPT TO:<b@example.org>\r\nDATA\r\n");
}

TEST_F(SpliceTest, KeepsMuchInOrder) {
  start();
  std::string sent;
  for (int i = 0; i < 300'000; ++i) sent += std::to_string(i) + "\r\n";
  std::size_t gone = 0;
  ::fcntl(client_, F_SETFL, O_NONBLOCK);
  std::string got;
  wait_until([&] {
    if (const auto n = send(client_, std::string_view(sent).substr(gone)); n > 0) gone += static_cast<std::size_t>(n);
    got += receive(mta_);
    return got.size() >= sent.size();
  });
  EXPECT_TRUE(got == sent) << got.size() << " of " << sent.size();
}

TEST_F(SpliceTest, ReadsNoMoreThanTheOtherTakes) {
  start();
  ::fcntl(client_, F_SETFL, O_NONBLOCK);
  // Nobody reads at the MTA: what the kernel and 64 KiB of ours can hold goes in, no more.
  const std::string piece(64 * 1024, 'x');
  std::size_t in = 0;
  for (int idle = 0; idle < 3;) {
    const auto n = send(client_, piece);
    if (n > 0) in += static_cast<std::size_t>(n);
    idle = n > 0 ? 0 : idle + 1;
    turn();
  }
  EXPECT_LE(in, waiting_in(client_near_) + waiting_in(mta_) + 64 * 1024);
  EXPECT_EQ(receive(mta_, in).size(), in) << "and all of it arrives";
}

TEST_F(SpliceTest, KeepsOneWayOpenAfterTheOtherHasEnded) {
  start();
  send(client_, "QUIT\r\n");
  ::shutdown(client_, SHUT_WR);
  EXPECT_EQ(receive(mta_, 6), "QUIT\r\n");
  EXPECT_TRUE(wait_until([&] { return receive(mta_) == "<end>"; }));
  EXPECT_FALSE(total_);
  send(mta_, "221 bye\r\n");
  EXPECT_EQ(receive(client_, 9), "221 bye\r\n");
  close(mta_);
  EXPECT_TRUE(wait_until([&] { return total_.has_value(); }));
  EXPECT_EQ(receive(client_), "<end>");
  EXPECT_EQ(total_->end, "client");
  EXPECT_EQ(total_->to_mta, 6u);
  EXPECT_EQ(total_->to_client, 9u);
}

TEST_F(SpliceTest, TellsTheClientWhatTheMtaSaidBeforeItWentAway) {
  start();
  send(client_, std::string(10'000, 'x'));
  turn();
  send(mta_, "552 too much\r\n");
  close(mta_);
  EXPECT_EQ(receive(client_, 14), "552 too much\r\n");
  EXPECT_TRUE(wait_until([&] { return receive(client_) == "<end>"; }));
  send(client_, "more of it");
  turn();
  close(client_);
  EXPECT_TRUE(wait_until([&] { return total_.has_value(); }));
  EXPECT_EQ(total_->end, "mta");
}

TEST_F(SpliceTest, EndsTheMtaWhenTheClientGoesAway) {
  start();
  send(client_, "Subject: half a mes");
  turn();
  close(client_);
  EXPECT_EQ(receive(mta_, 19), "Subject: half a mes");
  EXPECT_TRUE(wait_until([&] { return receive(mta_) == "<end>"; }));
  close(mta_);
  EXPECT_TRUE(wait_until([&] { return total_.has_value(); }));
}

TEST_F(SpliceTest, WaitsForAClientOnlySoLongAfterTheMtaHasEnded) {
  start({}, {}, {.linger = std::chrono::milliseconds(50)});
  close(mta_);
  EXPECT_TRUE(wait_until([&] { return total_.has_value(); }));
  EXPECT_EQ(receive(client_), "<end>");
}

TEST_F(SpliceTest, EndsWhenNobodySaysAnything) {
  start({}, {}, {.idle = std::chrono::milliseconds(50)});
  EXPECT_TRUE(wait_until([&] { return total_.has_value(); }));
  EXPECT_EQ(total_->end, "idle");
  EXPECT_EQ(receive(mta_), "<end>");
}

class WatchedSpliceTest : public SpliceTest {
 protected:
  WatchedSpliceTest() { watched_ = {true, "client.example", "MAIL FROM:<a@example.net>", "RCPT TO:<b@example.org>"}; }
  /// Up to the answer to the final dot.
  void send_message() {
    start("250 ok\r\n", "DATA\r\n");
    send(mta_, "354 go on\r\n");
    EXPECT_EQ(receive(client_, 19), "250 ok\r\n354 go on\r\n");
    send(client_, "text\r\n.\r\n");
    EXPECT_EQ(receive(mta_, 15), "DATA\r\ntext\r\n.\r\n");
    EXPECT_THAT(taken_, ::testing::IsEmpty());
    send(mta_, "250 queued\r\n");
    EXPECT_EQ(receive(client_, 12), "250 queued\r\n") << "before anybody thinks about it";
    EXPECT_THAT(taken_, ::testing::ElementsAre("a@example.net"));
  }
};

TEST_F(WatchedSpliceTest, StopsAfterAMessageUntilItMayGoOn) {
  send_message();
  send(client_, "QUIT\r\n");
  turn();
  EXPECT_EQ(receive(mta_), "");
  splice_->resume();
  EXPECT_EQ(receive(mta_, 6), "QUIT\r\n");
  send(mta_, "221 bye\r\n");
  EXPECT_EQ(receive(client_, 9), "221 bye\r\n");
  EXPECT_EQ(taken_.size(), 1u);
}

TEST_F(WatchedSpliceTest, NoticesAfterwardsWhoLeftMeanwhile) {
  send_message();
  close(client_);
  close(mta_);
  turn();
  EXPECT_FALSE(total_);
  splice_->resume();
  EXPECT_TRUE(wait_until([&] { return total_.has_value(); }));
}

TEST_F(WatchedSpliceTest, TellsOfNoEndWhileItIsStopped) {
  send_message();
  splice_->stop();
  turn();
  EXPECT_FALSE(total_);
  EXPECT_EQ(receive(mta_), "<end>");
}

TEST_F(SpliceTest, StopsAtOnceWithoutAWord) {
  start();
  splice_->stop();
  turn();
  EXPECT_FALSE(total_);
  EXPECT_EQ(receive(mta_), "<end>");
}

}  // namespace
}  // namespace deferd::smtp
