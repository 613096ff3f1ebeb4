#include <cassert>

#include "smtp/session_state.h"

namespace deferd::smtp {

namespace {

Then after(const Decision& decision) { return decision.verdict.action == Action::close ? Then::hang_up : Then::go_on; }

/// Of a banner there are two that refuse: RFC 5321 sections 3.1 and 3.8. No enhanced codes: RFC 2034 section 4.
std::string refusing_banner(const Decision& decision) {
  const auto& reply = decision.verdict.reply;
  if (!is_temporary(format_reply(decision))) return format_reply(554, {}, reply.text.empty() ? "No service here" : reply.text);
  return format_reply(421, {}, reply.text.empty() ? "Please try again later" : reply.text);
}

}  // namespace

/// From now on the client is treated as this decision wants. A client whose recipients were promised an answer at DATA is not
/// held any more: there, one answer must do for all.
void SmtpSession::State::learn(const Decision& decision) {
  pace = decision.plugin == "exempt" ? Pace{} : decision.pace;
  const bool promised = envelope && (envelope->promised > 0 || envelope->relayed > 0);
  pace.hold = pace.hold && !decision.lets_through() && (!promised || decision.stage == Stage::data);
  const bool recipients_held = envelope && envelope->held > 0;
  if (!pace.hold) {
    if (!recipients_held) refusal = {};
    return;
  }
  // Of several recipients, the one who may come back decides what the message hears.
  if (recipients_held && is_temporary(refusal.reply())) return;
  refusal = Refusal(decision);
}

Step SmtpSession::State::told_connect(const Decision& decision) {
  learn(decision);
  if (config().voiced() == Voice::connect && !decision.lets_through() && !held())
    return say(refusing_banner(decision), Then::hang_up);
  return say(220, {}, text(config().texts.banner));
}

Step SmtpSession::State::told_helo(const Decision& decision) {
  learn(decision);
  if (config().voiced() != Voice::connect || decision.lets_through() || held()) return idle(greeting());
  greeted = false;
  return say(format_reply(decision), after(decision));
}

Step SmtpSession::State::told_mail(const Decision& decision) {
  learn(decision);
  if (config().voiced() != Voice::connect || decision.lets_through() || held()) return sender_ok();
  auto step = say(format_reply(decision), after(decision));
  forget_envelope();
  return step;
}

Step SmtpSession::State::told_rcpt(const Decision& decision) {
  learn(decision);
  if (pace.hold) {
    ++envelope->held;
    return recipient_ok();
  }
  const bool tell_at_data = config().voiced() == Voice::data && envelope->held == 0;
  if (decision.lets_through()) {
    if (may_reach_mta()) return recipient_to_mta(decision);
  } else if (decision.voiced || !tell_at_data) {
    auto step = say(format_reply(decision), after(decision));
    if (is_temporary(step.reply)) ++envelope->put_off;
    return step;
  }
  if (tell_at_data) {
    ++envelope->promised;
    return recipient_ok();
  }
  ++envelope->put_off;
  return later();
}

Step SmtpSession::State::told_data(const Decision& decision) {
  learn(decision);
  if (held()) return take_message();
  if (decision.lets_through()) {
    const bool goes_on = envelope->mta == Envelope::Mta::open && envelope->promised == 0;
    return goes_on ? to_mta(MtaOrder::What::data) : later(Then::hang_up);
  }
  return say(format_reply(decision), Then::hang_up);
}

Step SmtpSession::State::answer() {
  seen = true;
  switch (std::exchange(asking, Asking::nothing)) {
    case Asking::connect:
      return told_connect(dialogue->connect());
    case Asking::helo:
      return told_helo(dialogue->helo());
    case Asking::mail:
      return told_mail(tell_sender());
    case Asking::rcpt:
      if (!envelope->told) tell_sender();
      return told_rcpt(dialogue->rcpt(std::move(envelope->rcpt)));
    case Asking::data:
      return told_data(dialogue->data());
    case Asking::taken:
      return told_taken();
    case Asking::joined:
      return told_joined();
    case Asking::nothing:
      break;
  }
  assert(false);
  return {};
}

const Decision& SmtpSession::State::tell_sender() {
  envelope->told = true;
  session().mail_parameters = envelope->sender.parameters;
  return dialogue->mail(envelope->sender.address);
}

}  // namespace deferd::smtp
