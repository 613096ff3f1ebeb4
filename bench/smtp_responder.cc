// What Asio and the kernel allow an SMTP front end on this machine: answers every command at once, RCPT with 250 and DATA with
// 451, and thinks about nothing. One io_context a thread, all accept from one socket.
//
//   smtp_responder --threads 2      prints its port
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace deferd::bench {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using net::ip::tcp;

class Client : public std::enable_shared_from_this<Client> {
 public:
  explicit Client(tcp::socket socket) : socket_(std::move(socket)) {}
  void start() {
    socket_.set_option(tcp::no_delay(true));
    say("220 responder ESMTP\r\n");
  }

 private:
  void say(std::string_view reply) {
    net::async_write(socket_, net::buffer(reply), [self = shared_from_this()](error_code error, std::size_t) {
      if (!error && !self->over_) self->listen();
    });
  }
  void listen() {
    net::async_read_until(socket_, net::dynamic_buffer(line_), '\n',
                          [self = shared_from_this()](error_code error, std::size_t length) {
                            if (!error) self->heard(length);
                          });
  }
  void heard(std::size_t length) {
    const char first = line_[0];
    line_.erase(0, length);
    over_ = first == 'D' || first == 'Q';
    say(first == 'D' ? "451 4.7.1 Please try again later\r\n" : first == 'Q' ? "221 2.0.0 Bye\r\n" : "250 2.0.0 OK\r\n");
  }

  tcp::socket socket_;
  std::string line_;
  bool over_ = false;
};

class Loop {
 public:
  explicit Loop(int listening) : acceptor_(io_, tcp::v4(), listening) { accept(); }
  void run() { io_.run(); }

 private:
  void accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      if (!error) std::make_shared<Client>(std::move(socket))->start();
      accept();
    });
  }
  net::io_context io_{1};
  tcp::acceptor acceptor_;
};

int run(int argc, char** argv) {
  unsigned threads = 1;
  CLI::App app("The limit of an SMTP front end on Asio.");
  app.add_option("--threads", threads);
  CLI11_PARSE(app, argc, argv);
  net::io_context io;
  tcp::acceptor listening(io, {net::ip::address_v4::loopback(), 0});
  listening.listen(4096);
  fmt::print("{}\n", listening.local_endpoint().port());
  std::fflush(stdout);
  std::vector<std::unique_ptr<Loop>> loops;
  std::vector<std::thread> running;
  for (unsigned i = 0; i < threads; ++i) {
    loops.push_back(std::make_unique<Loop>(::dup(listening.native_handle())));
    running.emplace_back([&loop = *loops.back()] { loop.run(); });
  }
  for (auto& thread : running) thread.join();
  return 0;
}

}  // namespace
}  // namespace deferd::bench

int main(int argc, char** argv) { return deferd::bench::run(argc, argv); }
