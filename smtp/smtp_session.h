// One client's SMTP dialogue: lines in, replies out. No I/O, no threads, no clock of its own: the connection feeds it and sends
// what it says. It never accepts mail (DESIGN: voice, hold, hand-over are in docs/architecture.md).
//
//   greet()/line() on the I/O thread -> Step. A step with `ask` set has no reply yet: answer() must be called, on a thread that
//   may block (plugins think there), and gives the step to follow. Nothing else may be called meanwhile.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/pipeline.h"
#include "smtp/line_reader.h"
#include "smtp/mta_order.h"
#include "smtp/smtp_config.h"

namespace deferd::smtp {

struct Step {
  enum class Then : std::uint8_t {
    go_on,      ///< Read the next line once the reply is out (or at once, if it is empty).
    hang_up,    ///< Close once the reply is out.
    start_tls,  ///< Send the reply, drop what was read already, handshake, then tls_started().
    hand_over,  ///< Once the reply is out, if there is any: have the MTA follow mta_order(); then mta_answered() or mta_failed().
  };
  bool ask = false;
  std::string reply;  ///< Formatted; may be empty while a held client's message is read.
  Then then = Then::go_on;
};

/// What the whole front end knows and a session needs.
struct SessionRules {
  std::shared_ptr<const SmtpConfig> config;  ///< `name` filled in.
  const Clock* clock = nullptr;              ///< For `%d` in texts; none: the machine's.
  bool tls_offered = false;                  ///< A certificate is loaded.
  bool handover = false;                     ///< A target is configured and its last probe was good.
  std::vector<std::string> mta_extensions;   ///< EHLO keywords the probe saw ("SIZE 10240000", "8BITMIME"); without STARTTLS,
                                             ///< CHUNKING, AUTH, XCLIENT, PIPELINING.
};

class SmtpSession {
 public:
  /// `known`: client, ports, local address, listener. `open` and `log` outlive the session.
  SmtpSession(std::shared_ptr<const SessionRules> rules, const OpenDialogue& open, Session&& known, Log& log);
  ~SmtpSession();  ///< Calls plugins if there was a dialogue (on_disconnect): on a thread that may block.

  Step greet();                 ///< The banner, or 554 (`voice: connect`).
  Step line(const Line& line);  ///< One line of the client.
  Step answer();                ///< After a step with `ask`. May block.
  void tls_started(std::string_view verified_subject);
  void rest();  ///< The reply will take long: between transactions, memory that can be had again is given back.

  /// The client sent before it was its turn (before the banner, or on after a command whose reply must be waited for: HELO, EHLO,
  /// DATA, STARTTLS, QUIT, or anything if PIPELINING was not offered). Tags "smtp.early-talker" or "smtp.pipelining".
  void spoke_early(bool before_banner);

  const MtaOrder& mta_order() const;    ///< Stays until the MTA has answered.
  Step mta_answered(MtaAnswer answer);  ///< Never blocks, but may have to ask.
  Step mta_failed();                    ///< 451, nothing is lost.
  bool with_mta() const;                ///< If not, the MTA is not needed any more. Not while it must be asked.

  const Pace& pace() const;        ///< Of this and later replies, until the next decision.
  bool held() const;               ///< Turned away and kept busy (Pace::hold): counts against limits.kept.
  std::size_t line_limit() const;  ///< For LineReader::next().
  bool in_transaction() const;     ///< After MAIL.
  bool tells_of_message() const;   ///< answer() is due, and tells plugins of a message that the MTA has taken.
  bool needs_goodbye() const;      ///< The destructor, or a last record of a client that leaves early, may block.
  Session const& session() const;
  const Address& client() const;  ///< session().client, without ending a rest.
  std::string lists() const;      ///< Of a turned-away client: whose verdict it is, for the log; empty if none.

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deferd::smtp
