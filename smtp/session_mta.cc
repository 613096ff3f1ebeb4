// What becomes of a session at the MTA.
//
// A client that is white is joined with it. Anybody else's session goes on here: the MTA hears the transaction that was let in,
// of its further recipients those that are let in, and the message; then it is left. So nobody gets past the plugins by naming a
// recipient first that is open to everybody.
#include <algorithm>
#include <exception>

#include "smtp/session_state.h"

namespace deferd::smtp {

namespace {

using What = MtaOrder::What;

bool is_good(const MtaAnswer& answer) { return answer.code / 100 == 2; }

}  // namespace

bool SmtpSession::State::may_reach_mta() const {
  return envelope->order && envelope->mta != Envelope::Mta::lost && envelope->promised == 0 && envelope->held == 0;
}

/// By `accept`, plugins below were not asked: that is for this recipient, and says nothing of the client. Who has failed was as
/// good as not asked.
bool SmtpSession::State::is_trusted(const Decision& decision) {
  if (decision.plugin == "exempt") return true;
  const auto& trace = decision.trace;
  const bool all_asked =
      std::none_of(trace.begin(), trace.end(), [](const Answer& answer) { return !answer.shadow && !answer.fault.empty(); });
  return decision.verdict.action == Action::pass && all_asked && dialogue->client_is_white();
}

Step SmtpSession::State::recipient_to_mta(const Decision& decision) {
  if (envelope->mta == Envelope::Mta::open) return to_mta(What::rcpt);
  envelope->exempt = decision.plugin == "exempt";
  return to_mta(is_trusted(decision) ? What::join : What::open);
}

Step SmtpSession::State::to_mta(What what, std::string reply) {
  envelope->order->what = what;
  envelope->mta = what == What::join ? Envelope::Mta::joined : Envelope::Mta::open;
  return say(std::move(reply), Then::hand_over);
}

Step SmtpSession::State::mta_answered(MtaAnswer answer) {
  switch (envelope->order->what) {
    case What::join:
      return message_joined(std::move(answer.taken));
    case What::open:
    case What::rcpt:
      return recipient_answered(std::move(answer));
    case What::data:
      return data_answered(std::move(answer));
    case What::message:
      break;
  }
  return message_answered(std::move(answer));
}

Step SmtpSession::State::recipient_answered(MtaAnswer answer) {
  if (is_good(answer))
    ++envelope->relayed;
  else
    dialogue->drop_last_recipient();
  if (is_temporary(answer.reply)) ++envelope->put_off;
  if (answer.last) lose_mta();
  return say(std::move(answer.reply), answer.code == 421 ? Then::hang_up : Then::go_on);
}

Step SmtpSession::State::data_answered(MtaAnswer answer) {
  if (answer.code == 354) return to_mta(What::message, std::move(answer.reply));
  forget_envelope();
  return say(std::move(answer.reply), answer.code == 421 ? Then::hang_up : Then::go_on);
}

Step SmtpSession::State::message_answered(MtaAnswer answer) {
  envelope->mta = Envelope::Mta::none;
  if (is_good(answer) && (dialogue->hooks() & hook::accepted) != 0) {
    envelope->last_word = std::move(answer.reply);
    return ask(Asking::taken);
  }
  forget_envelope();
  return say(std::move(answer.reply), answer.cut || answer.code == 421 ? Then::hang_up : Then::go_on);
}

/// Whatever goes wrong here, the MTA has the message, and the client must not send it again.
bool SmtpSession::State::tell_accepted() {
  try {
    dialogue->accepted();
    return true;
  } catch (const std::exception& error) {
    log.error("smtp.failed", {{"error", error.what()}});
    return false;
  }
}

Step SmtpSession::State::told_taken() {
  const bool told = tell_accepted();
  auto reply = std::move(envelope->last_word);
  if (!told) return say(std::move(reply), Then::hang_up);
  forget_envelope();
  return say(std::move(reply));
}

/// Plugins were not asked about it unless it was the first; what they have noted and tagged then still holds of the client.
Step SmtpSession::State::message_joined(TakenMessage taken) {
  if ((dialogue->hooks() & hook::accepted) == 0) return to_mta(What::join);
  session().mail_from = std::move(taken.sender);
  session().rcpt_to = std::move(taken.recipients);
  return ask(Asking::joined);
}

/// It may have been trapped meanwhile, and then nothing is renewed.
Step SmtpSession::State::told_joined() {
  if (envelope->exempt || dialogue->client_is_white()) tell_accepted();
  return to_mta(What::join);
}

void SmtpSession::State::lose_mta() { envelope->mta = envelope->relayed > 0 ? Envelope::Mta::lost : Envelope::Mta::none; }

/// Who has sent its message must be told even if it is not listening yet; so it is hung up on.
Step SmtpSession::State::mta_failed() {
  const auto what = envelope->order->what;
  const bool in_message = what == What::message;
  if (in_message || what == What::data) {
    forget_envelope();
  } else {
    dialogue->drop_last_recipient();
    ++envelope->put_off;
    lose_mta();
  }
  return say(451, "4.3.0", text(config().texts.later), in_message ? Then::hang_up : Then::go_on);
}

}  // namespace deferd::smtp
