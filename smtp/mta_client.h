// The client side of SMTP, as far as a hand-over needs it: from the connection to the MTA's reply to one RCPT. Pure: no I/O, no
// time. RFC 5321; haproxy's proxy-protocol.txt section 2.2; Postfix's XCLIENT_README.
//
//   PROXY v2: header, banner, EHLO or HELO as the client said, its MAIL, its RCPT.
//   XCLIENT:  banner, EHLO with our own name, XCLIENT, banner again, then the same.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/address.h"
#include "smtp/mta_order.h"
#include "smtp/smtp_config.h"

namespace deferd::smtp {

/// Who is handed over, and what it said.
struct MtaScript {
  HandoverConfig::With with = HandoverConfig::With::proxy_v2;
  std::string our_name;  ///< XCLIENT: in the EHLO that is still ours.
  Address client;
  std::uint16_t client_port = 0;
  std::string client_name;  ///< XCLIENT: verified; empty: unknown, and the MTA does not look it up.
  Address local;            ///< What the client connected to.
  std::uint16_t local_port = 0;
  HandoverEnvelope envelope;
};

/// Where the dialogue stands, or where it ended.
enum class MtaStage : std::uint8_t { connect, banner, our_ehlo, xclient, ehlo, mail, rcpt };
std::string_view to_string(MtaStage stage);  ///< As an operator would say it: "XCLIENT".

struct MtaResult {
  enum class Outcome : std::uint8_t {
    answered,     ///< `reply` is for the client.
    refused,      ///< `code` and `reply`, at a stage before RCPT.
    no_xclient,   ///< The MTA does not offer XCLIENT to us.
    out_of_step,  ///< Not SMTP, or more replies than we asked for: it takes the PROXY header for commands.
    ended,        ///< It hung up, or could not be reached.
    late,         ///< It kept us waiting.
  };
  Outcome outcome = Outcome::ended;
  MtaStage stage = MtaStage::connect;
  int code = 0;
  /// Answered: the MTA's bytes as they came, and what it sent after them. Refused: the reply's text on one line.
  std::string reply;
  std::vector<std::string> extensions;  ///< What the last EHLO was told, "SIZE 10240000", without our name's line.

  bool answered() const { return outcome == Outcome::answered; }
  std::string why() const;  ///< For operators: "refused at MAIL: 451 4.3.0 ...".
};

/// `parameters` of MAIL or RCPT as far as an MTA that offers `extensions` takes them, each with a blank before it.
std::string offered_parameters(const std::vector<std::string>& parameters, const std::vector<std::string>& extensions);

/// A client's RCPT line written anew for an MTA that offers `extensions`, with its end; empty if it is none.
std::string recipient_line(std::string_view rcpt, const std::vector<std::string>& extensions);

/// A refusal of the sender that speaks of the message (550 to 555: size, address, policy) is the MTA's answer to the recipient;
/// any other refusal before RCPT is no answer: the client is to come back. EHLO is never followed by HELO: an MTA that knows
/// PROXY or XCLIENT knows EHLO, and one that refuses it may have answered something else.
class MtaClient {
 public:
  explicit MtaClient(MtaScript script);

  std::string start();                                               ///< What to send once connected; may be empty.
  std::string receive(std::string_view bytes);                       ///< What to send next; may be empty.
  void give_up(MtaResult::Outcome why, std::string_view what = {});  ///< `ended`, `late`; `out_of_step`: it spoke unasked.
  bool done() const { return done_; }
  const MtaResult& result() const { return result_; }

 private:
  std::string take(int code, std::string_view reply);
  std::string greet();
  std::string introduce();
  std::string sender();
  std::string recipient();
  void read_extensions(std::string_view reply);
  void finish(MtaResult::Outcome outcome);

  MtaScript script_;
  MtaResult result_;
  std::string buffer_;
  bool done_ = false;
};

}  // namespace deferd::smtp
