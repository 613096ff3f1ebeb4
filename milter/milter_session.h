// One client's connection as a milter sees it, turned into a Dialogue with the pipeline and back into replies. Knows nothing of
// sockets and of packets.
//
// Nothing is asked before MAIL (unless `voice: connect`): authentication, known only then, exempts. What the plugins say of the
// connection and of the sender is told at each RCPT, so that the recipients are on record. What they say of the headers is told
// at the end of the message: MTAs have read all of it by the time they pass on the first header.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "host/pipeline.h"
#include "milter/envelope.h"
#include "milter/milter_config.h"
#include "milter/milter_reply.h"

namespace deferd {

/// Used by one thread at a time. Any order of calls is answered: what comes without a connect() counts as a local submission, and
/// those are let through without asking anybody. `arguments` are those of the SMTP command: the address, then ESMTP parameters.
class MilterSession {
 public:
  /// `open` outlives the session.
  MilterSession(const OpenDialogue& open, std::shared_ptr<const MilterConfig> config);

  MilterReply connect(std::string_view host, const MilterPeer& peer, const Macros& macros);
  MilterReply helo(std::string_view name, const Macros& macros);
  MilterReply mail(std::span<const std::string_view> arguments, const Macros& macros);
  MilterReply rcpt(std::span<const std::string_view> arguments, const Macros& macros);
  MilterReply data(const Macros& macros);
  void header(std::string_view name, std::string_view value);
  MilterReply end(const Macros& macros);
  void abort();

  /// Something went wrong: from now on everything is let through, and the plugins are not asked any more.
  void stop_asking() noexcept;

  /// After an end() that let the message in: the value of the header to add, empty for none.
  const std::string& delay_header() const { return delay_header_; }

  /// A message is under way that the MTA would have to turn away if the milter left now: MAIL was given, and not every recipient
  /// was refused.
  bool busy() const { return in_message_ && (asked_ == 0 || let_in_ > 0); }

 private:
  Session& session();
  void learn(const Macros& macros);
  void learn_queue_id(const Macros& macros);
  MilterReply ask_headers();
  void leave_message();

  const OpenDialogue& open_;
  std::shared_ptr<const MilterConfig> config_;
  std::unique_ptr<Dialogue> dialogue_;
  Session early_;         // until there is a dialogue
  bool foreign_ = false;  // came over the internet, so the plugins are asked
  bool in_message_ = false;
  bool told_ = false;            // data() was asked
  bool untold_refusal_ = false;  // a recipient was answered 250 although deferred
  unsigned asked_ = 0;
  unsigned let_in_ = 0;
  std::size_t header_bytes_ = 0;
  std::string mta_;
  std::string delay_header_;
};

}  // namespace deferd
