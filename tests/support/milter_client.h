// The MTA's side of the milter protocol (version 6), for tests: plays one SMTP client at a time to a milter, over a unix or TCP
// socket, one blocking call a step.
//
//   MilterClient mta("unix:/run/deferd/milter.sock");
//   mta.negotiate();
//   mta.connect("mail.example.org", "192.0.2.7");
//   mta.helo("mail.example.org");
//   mta.mail("<a@example.org>");
//   auto answer = mta.rcpt("<b@example.net>");          // answer.code 'y', answer.text "451 4.7.1 Please try again later"
//   if (answer.goes_on()) answer = mta.message({{"Subject", "hello"}}, "text\r\n");
//   mta.quit();
//
// It sends what the negotiation left over, as Postfix does: a step the milter does not want is not sent, an answer it does not
// give is not waited for; both count as "go on".
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace deferd {

struct MilterAnswer {
  /// As on the wire: c continue, a accept, t tempfail, r reject, y reply code, d discard, s skip.
  char code = 'c';
  std::string text;  ///< With y: the SMTP reply as the MTA would pass it on, `%%` undone; CRLF between its lines.

  bool goes_on() const { return code == 'c' || code == 'a'; }
  int smtp_code() const;  ///< 250, 451 (t), 550 (r), or what y says.
};

/// Every call throws std::runtime_error when the milter hangs up, says nothing for the time limit, or breaks the protocol.
class MilterClient {
 public:
  using Pairs = std::vector<std::pair<std::string, std::string>>;

  /// What the MTA offers; the defaults are Postfix 3.7's and Sendmail 8.17's.
  struct Offer {
    std::uint32_t version = 6;
    std::uint32_t actions = 0x1ff;
    std::uint32_t steps = 0x1fffff;
  };

  /// `socket`: `unix:PATH`, `inet:PORT@ADDRESS` or `inet6:PORT@ADDRESS`.
  explicit MilterClient(const std::string& socket, std::chrono::milliseconds limit = std::chrono::seconds(10));
  ~MilterClient();
  MilterClient(const MilterClient&) = delete;
  MilterClient& operator=(const MilterClient&) = delete;

  void negotiate(const Offer& offer);
  void negotiate() { negotiate(Offer()); }
  std::uint32_t version() const { return version_; }  ///< What the milter answered.
  std::uint32_t actions() const { return actions_; }
  std::uint32_t steps() const { return steps_; }  ///< SMFIP_ bits it turned off.
  /// The macros it asked for at a stage (SMFIM_ number), if it named any.
  std::string macros_wanted(std::uint32_t stage) const;

  /// Sent right before the next command that takes macros (connect, helo, mail, rcpt, data, end); names with their braces.
  void macros(Pairs macros) { macros_ = std::move(macros); }

  /// `address`: IPv4 or IPv6; a path with a slash stands for a unix socket; empty: unknown.
  MilterAnswer connect(std::string_view host, std::string_view address, std::uint16_t port = 25000);
  MilterAnswer helo(std::string_view name);
  MilterAnswer mail(std::string_view from, const std::vector<std::string>& parameters = {});
  MilterAnswer rcpt(std::string_view to, const std::vector<std::string>& parameters = {});
  MilterAnswer data();
  MilterAnswer header(std::string_view name, std::string_view value);
  MilterAnswer eoh();
  MilterAnswer body(std::string_view chunk);
  MilterAnswer end();  ///< End of message; then added_headers() tells what the milter added.

  /// data() to end(); stops at the first answer that is not "go on".
  MilterAnswer message(const Pairs& headers = {{"Subject", "test"}}, std::string_view body = "test\r\n");

  void abort();    ///< RSET, or the client went away.
  void quit_nc();  ///< This SMTP client is done; the next connect() is another one's, on the same milter connection.
  void quit();     ///< Ends the milter connection in good order.
  void hang_up();  ///< Closes the socket without a word.

  const Pairs& added_headers() const { return added_headers_; }

  /// For misbehaving: these bytes as they are; one packet with any length in its head.
  void send_raw(std::string_view bytes);
  void send_packet(char command, std::string_view payload);
  MilterAnswer read_answer();
  bool hung_up();  ///< Waits for the milter to close the connection; false if it says something instead.

 private:
  MilterAnswer step(char command, std::string_view payload, std::uint32_t not_wanted, std::uint32_t no_reply, bool with_macros);
  std::pair<char, std::string> read_packet();
  void read_exactly(char* into, std::size_t count);

  int fd_ = -1;
  std::uint32_t version_ = 0, actions_ = 0, steps_ = 0;
  std::vector<std::pair<std::uint32_t, std::string>> wanted_;
  Pairs macros_;
  Pairs added_headers_;
};

}  // namespace deferd
