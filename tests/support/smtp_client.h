// An SMTP client for tests, over TCP or a unix socket, one blocking call a step; it can come through a balancer and misbehave.
//
//   SmtpClient client("127.0.0.1:8025");
//   client.proxy_v1("192.0.2.7");                     // what the balancer would say first
//   EXPECT_EQ(client.read_reply().code, 220);
//   EXPECT_EQ(client.command("EHLO mail.example.org").code, 250);
//   client.command("MAIL FROM:<a@example.org>");
//   auto reply = client.command("RCPT TO:<b@example.net>");   // reply.text() "451 4.7.1 Please try again later"
//   client.command("QUIT");
#pragma once
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/address.h"

namespace deferd {

struct SmtpReply {
  int code = 0;
  std::vector<std::string> lines;  ///< Without code, separator and line end; with the enhanced code.

  bool ok() const { return code / 100 == 2; }
  std::string enhanced() const;  ///< "4.7.1" of the first line, or empty.
  std::string text() const;      ///< "250-first\n250 second".
};

/// Every call throws std::runtime_error when the server hangs up where it should not, says nothing for the time limit, or breaks
/// the form of replies.
class SmtpClient {
 public:
  /// `server`: `ADDRESS:PORT`, `[ADDRESS]:PORT` or `unix:PATH`.
  explicit SmtpClient(const std::string& server, std::chrono::milliseconds limit = std::chrono::seconds(10));
  ~SmtpClient();
  SmtpClient(const SmtpClient&) = delete;
  SmtpClient& operator=(const SmtpClient&) = delete;

  /// The header of the PROXY protocol, before anything else: the client has this address, and connected to our port 25.
  void proxy_v1(const Address& client);
  void proxy_v2(const Address& client);

  SmtpReply command(std::string_view line);  ///< Sends it with CR LF and reads the reply.
  SmtpReply message(std::string_view text);  ///< After 354: the text with dots doubled, the final dot, and the reply to it.

  void send(std::string_view bytes);  ///< As they are. Throws if the server does not take them.
  SmtpReply read_reply();
  bool hung_up();  ///< Waits for the server to close the connection; false if it says something instead.
  void hang_up();  ///< Closes the socket without a word.

 private:
  std::string read_line();

  int fd_ = -1;
  std::string unread_;
};

}  // namespace deferd
