// Watches a client and an MTA that talk with each other, and tells when a message was taken. Pure: it changes nothing and holds
// nothing up. What it does not understand (STARTTLS, BDAT, AUTH, replies to nothing ...) makes it look away for good: then a
// message that was taken is not noticed, and that is all.
#pragma once
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "smtp/command.h"
#include "smtp/line_reader.h"
#include "smtp/message_end.h"
#include "smtp/mta_order.h"

namespace deferd::smtp {

/// Bounded: 1,000 recipients, 1,000 commands not yet answered (PIPELINING), one line, one reply.
class MessageWatch {
 public:
  /// The MTA has heard these words; its answer to RCPT comes first.
  explicit MessageWatch(const HandoverEnvelope& words);

  void client_says(std::string_view bytes);  ///< In the order in which the MTA gets it.
  void mta_says(std::string_view bytes);     ///< Before the client has it.

  bool has_message() const { return taken_.has_value(); }
  TakenMessage take();  ///< If has_message().

  bool looks() const { return looking_; }

 private:
  /// What the MTA has still to answer.
  struct Asked {
    Verb verb = Verb::other;
    bool message = false;  // the final dot
    std::string address;   // of MAIL and RCPT
  };

  void read_text(std::string_view bytes);
  void read_commands(std::string_view bytes);
  void command(std::string_view line);
  void ask(Asked asked);
  void answer(const Asked& asked, int code);
  void look_away();

  bool looking_ = true;
  bool awaits_354_ = false;
  bool in_text_ = false;
  MessageEnd end_;
  std::string kept_;  // of a message: what may be the beginning of its end
  LineReader lines_;
  std::string reply_;  // its beginning
  std::deque<Asked> asked_;
  TakenMessage message_;  // under way: who was answered 250
  std::optional<TakenMessage> taken_;
};

}  // namespace deferd::smtp
