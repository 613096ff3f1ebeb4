// The MTA of a client that may not talk with it alone: commands that we give, one at a time, and its answers.
#pragma once
#include <array>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "smtp/mta_call.h"

namespace deferd::smtp {

/// Used by the thread that runs the socket's context. Lives until it is done.
class MtaTalk : public std::enable_shared_from_this<MtaTalk> {
 public:
  /// Code 0: the MTA has hung up, kept us waiting, or said something else than one reply. It cannot be asked any more.
  using Answered = std::function<void(int code, std::string reply)>;

  explicit MtaTalk(MtaCall::Socket socket);

  /// `answered` is called once, never from within; not after end().
  void ask(std::string line, std::chrono::milliseconds patience, Answered answered);
  void end(bool politely);  ///< Politely: with QUIT. Not in the middle of a message, where that would be text.

  MtaCall::Socket& socket() { return socket_; }

 private:
  void read();
  void finish(int code);

  MtaCall::Socket socket_;
  boost::asio::steady_timer timer_;
  Answered answered_;  // null: nothing is asked
  std::string sending_, reply_;
  std::array<char, 1024> arrived_;
};

}  // namespace deferd::smtp
