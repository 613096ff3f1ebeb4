// The inside of a session, in three parts: what it says to commands (smtp_session.cc), what to decisions (session_decisions.cc),
// and what becomes of them at the MTA (session_mta.cc).
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "smtp/command.h"
#include "smtp/envelope.h"
#include "smtp/held_message.h"
#include "smtp/reply.h"
#include "smtp/smtp_session.h"

namespace deferd::smtp {

using Then = Step::Then;

/// What a held client hears in the end, and whose verdict that is. Empty: it is not held.
class Refusal {
 public:
  Refusal() = default;
  explicit Refusal(const Decision& decision) : text_(format_reply(decision) + decision.plugin) { text_.shrink_to_fit(); }
  bool empty() const { return text_.empty(); }
  std::string reply() const { return text_.substr(0, end_of_reply()); }
  std::string plugin() const { return text_.substr(end_of_reply()); }

 private:
  std::size_t end_of_reply() const { return text_.rfind('\n') + 1; }

  std::string text_;  // of both: there are many held clients
};

inline Step say(std::string reply, Then then = Then::go_on) { return {.reply = std::move(reply), .then = then}; }
inline Step say(int code, std::string_view enhanced, std::string_view text, Then then = Then::go_on) {
  return say(format_reply(code, enhanced, text), then);
}

inline bool is_temporary(std::string_view reply) { return reply.starts_with('4'); }

struct SmtpSession::State {
  enum class Asking : std::uint8_t { nothing, connect, helo, mail, rcpt, data, taken, joined };

  State(std::shared_ptr<const SessionRules> the_rules, const OpenDialogue& open, Session&& known, Log& the_log)
      : rules(std::move(the_rules)), log(the_log), dialogue(open(std::move(known), rules->config->voiced())) {
    id = session().id;
    client = session().client;
  }

  const SmtpConfig& config() const { return *rules->config; }
  Session& session() const { return dialogue->session(); }
  bool held() const { return !refusal.empty(); }

  std::string text(const std::string& configured) const;
  bool wants(std::uint32_t hook) const;
  bool offers_dsn() const;
  void tag(std::string_view fact) { dialogue->tag(fact); }
  void forget_envelope();
  void learn(const Decision& decision);

  Step ask(Asking stage);
  Step bad(int code, std::string_view enhanced, std::string_view text);
  Step idle(Step step);
  Step enough() const;
  Step later(Then then = Then::go_on) const { return say(451, "4.7.1", text(config().texts.later), then); }

  Step command(std::string_view line);
  Step helo(std::string_view name, bool extended_helo);
  Step mail(const Command& command, std::string_view line);
  Step rcpt(const Command& command, std::string_view line);
  Step data(std::string_view argument);
  Step start_tls(std::string_view argument);
  Step held_line(std::string_view line);

  Step answer();
  Step settled(Step step);
  const Decision& tell_sender();
  Step told_connect(const Decision& decision);
  Step told_helo(const Decision& decision);
  Step told_mail(const Decision& decision);
  Step told_rcpt(const Decision& decision);
  Step told_data(const Decision& decision);
  Step greeting() const;
  Step sender_ok() const { return say(250, "2.1.0", text(config().texts.sender_ok)); }
  Step recipient_ok() const { return say(250, "2.1.5", text(config().texts.recipient_ok)); }
  Step take_message();

  bool with_mta() const { return envelope && (envelope->mta == Envelope::Mta::open || envelope->mta == Envelope::Mta::joined); }
  bool may_reach_mta() const;
  bool is_trusted(const Decision& decision);
  Step recipient_to_mta(const Decision& decision);
  Step to_mta(MtaOrder::What what, std::string reply = {});
  Step mta_answered(MtaAnswer answer);
  Step recipient_answered(MtaAnswer answer);
  Step data_answered(MtaAnswer answer);
  Step message_answered(MtaAnswer answer);
  Step message_joined(TakenMessage taken);
  Step mta_failed();
  void lose_mta();
  bool tell_accepted();
  Step told_taken();
  Step told_joined();

  std::shared_ptr<const SessionRules> rules;
  Log& log;
  std::uint64_t id;  // of the session; this and the client's address are here so that the dialogue can rest
  Address client;
  std::unique_ptr<Dialogue> dialogue;
  std::unique_ptr<Envelope> envelope;  // after MAIL
  Refusal refusal;                     // while held; then no recipient was promised anything else
  Pace pace;
  int errors = 0;
  int idle_commands = 0;
  HeldMessage message;
  Asking asking = Asking::nothing;
  bool seen = false;      // plugins may know of the session
  bool greeted = false;   // after HELO
  bool extended = false;  // that was EHLO
};

}  // namespace deferd::smtp
