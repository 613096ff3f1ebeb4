#include "smtp/smtp_session.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/clock.h"
#include "smtp/command.h"
#include "smtp/envelope.h"
#include "smtp/held_message.h"
#include "smtp/reply.h"
#include "smtp/texts.h"

namespace deferd::smtp {

namespace {

using Then = Step::Then;

constexpr std::size_t kLongestHelo = 255;  // RFC 5321 section 4.5.3.1.2
constexpr std::size_t kLongestSubject = 256;
constexpr int kIdleCommands = 100;  // commands that lead nowhere; more of them count as errors

/// What we offer ourselves. SIZE without a number: RFC 1870 section 4, no fixed limit.
constexpr std::string_view kExtensions[] = {"ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8", "SIZE"};

constexpr std::string_view kEarlyTalker = "smtp.early-talker";
constexpr std::string_view kPipelining = "smtp.pipelining";
constexpr std::string_view kBareLf = "smtp.bare-lf";
constexpr std::string_view kBareCr = "smtp.bare-cr";
constexpr std::string_view kLongLine = "smtp.long-line";
constexpr std::string_view kOddHelo = "smtp.odd-helo";
constexpr std::string_view kNoHelo = "smtp.no-helo";

/// What a held client hears in the end, and whose verdict that is.
struct Refusal {
  std::string reply;
  std::string plugin;
};

Step say(std::string reply, Then then = Then::go_on) { return {.reply = std::move(reply), .then = then}; }
Step say(int code, std::string_view enhanced, std::string_view text, Then then = Then::go_on) {
  return say(format_reply(code, enhanced, text), then);
}

bool is_temporary(std::string_view reply) { return reply.starts_with('4'); }

Then after(const Decision& decision) { return decision.verdict.action == Action::close ? Then::hang_up : Then::go_on; }

/// Of a banner there are two that refuse: RFC 5321 sections 3.1 and 3.8. No enhanced codes: RFC 2034 section 4.
std::string refusing_banner(const Decision& decision) {
  const auto& reply = decision.verdict.reply;
  if (!is_temporary(format_reply(decision))) return format_reply(554, {}, reply.text.empty() ? "No service here" : reply.text);
  return format_reply(421, {}, reply.text.empty() ? "Please try again later" : reply.text);
}

}  // namespace

struct SmtpSession::State {
  enum class Asking : std::uint8_t { nothing, connect, helo, mail, rcpt, data };

  State(std::shared_ptr<const SessionRules> the_rules, const OpenDialogue& open, Session known, Log& the_log)
      : rules(std::move(the_rules)), log(the_log), dialogue(open(std::move(known), rules->config->voiced())) {
    id = session().id;
    client = session().client;
  }

  const SmtpConfig& config() const { return *rules->config; }
  Session& session() const { return dialogue->session(); }
  bool held() const { return refusal != nullptr; }

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

  std::shared_ptr<const SessionRules> rules;
  Log& log;
  std::uint64_t id;  // of the session; this and the client's address are here so that the dialogue can rest
  Address client;
  std::unique_ptr<Dialogue> dialogue;
  std::unique_ptr<Envelope> envelope;  // after MAIL
  std::unique_ptr<Refusal> refusal;    // while held; then no recipient was promised anything else
  Pace pace;
  int errors = 0;
  int idle_commands = 0;
  HeldMessage message;
  Asking asking = Asking::nothing;
  bool seen = false;      // plugins may know of the session
  bool greeted = false;   // after HELO
  bool extended = false;  // that was EHLO
};

std::string SmtpSession::State::text(const std::string& configured) const {
  static const SystemClock machine;
  const Clock& clock = rules->clock != nullptr ? *rules->clock : machine;
  return expand(configured, {config().name, config().product, client, clock.now()});
}

/// Whether plugins must be asked at this stage, and not only at the recipients.
bool SmtpSession::State::wants(std::uint32_t hook) const {
  return (dialogue->hooks() & (hook | hook::reply)) != 0 || config().voiced() == Voice::connect;
}

bool SmtpSession::State::offers_dsn() const {
  const auto& offered = rules->mta_extensions;
  return rules->handover && std::find(offered.begin(), offered.end(), "DSN") != offered.end();
}

void SmtpSession::State::forget_envelope() {
  if (!envelope) return;
  envelope.reset();
  dialogue->reset();
}

/// From now on the client is treated as this decision wants. A client whose recipients were promised an answer at DATA is not
/// held any more: there, one answer must do for all.
void SmtpSession::State::learn(const Decision& decision) {
  pace = decision.plugin == "exempt" ? Pace{} : decision.pace;
  pace.hold = pace.hold && !decision.lets_through() && (!envelope || envelope->promised == 0 || decision.stage == Stage::data);
  const bool recipients_held = envelope && envelope->held > 0;
  if (!pace.hold) {
    if (!recipients_held) refusal.reset();
    return;
  }
  // Of several recipients, the one who may come back decides what the message hears.
  if (recipients_held && is_temporary(refusal->reply)) return;
  refusal = std::make_unique<Refusal>(Refusal{format_reply(decision), decision.plugin});
}

/// Held clients take minutes from one line to the next, and there are many of them.
Step SmtpSession::State::settled(Step step) {
  if (held() && !step.ask) {
    if (envelope) envelope->told = false;
    dialogue->rest();
  }
  return step;
}

Step SmtpSession::State::ask(Asking stage) {
  asking = stage;
  return {.ask = true, .reply = {}};
}

Step SmtpSession::State::bad(int code, std::string_view enhanced, std::string_view why) {
  return ++errors <= config().limits.errors ? say(code, enhanced, why) : enough();
}

Step SmtpSession::State::idle(Step step) {
  if (++idle_commands <= kIdleCommands || ++errors <= config().limits.errors) return step;
  return enough();
}

/// A held client hears what was decided; spamd(8) ends it that way too.
Step SmtpSession::State::enough() const {
  return held() ? say(refusal->reply, Then::hang_up) : say(421, "4.7.0", "Too many errors", Then::hang_up);
}

Step SmtpSession::State::command(std::string_view line) {
  const auto command = parse_command(line);
  switch (command.verb) {
    case Verb::helo:
    case Verb::ehlo:
      return helo(command.argument, command.verb == Verb::ehlo);
    case Verb::mail:
      return mail(command, line);
    case Verb::rcpt:
      return rcpt(command, line);
    case Verb::data:
      return data(command.argument);
    case Verb::rset:
      forget_envelope();
      return idle(say(250, "2.0.0", "OK"));
    case Verb::noop:
      return idle(say(250, "2.0.0", "OK"));
    case Verb::help:
      return idle(say(214, "2.0.0", "See RFC 5321"));
    case Verb::vrfy:
      return idle(say(252, "2.0.0", "Cannot verify"));
    case Verb::quit:
      return say(221, "2.0.0", config().name + " " + text(config().texts.goodbye), Then::hang_up);
    case Verb::starttls:
      return start_tls(command.argument);
    case Verb::expn:
    case Verb::auth:
    case Verb::bdat:
      return bad(502, "5.5.1", "Command not implemented");
    case Verb::other:
      break;
  }
  return bad(500, "5.5.1", "Command unrecognized");
}

Step SmtpSession::State::helo(std::string_view name, bool extended_helo) {
  if (name.empty()) return bad(501, "5.5.4", "A host name is required");
  forget_envelope();
  session().helo = name.substr(0, kLongestHelo);
  if (!is_helo_name(name)) tag(kOddHelo);
  greeted = true;
  extended = extended_helo;
  return wants(hook::helo) ? ask(Asking::helo) : idle(greeting());
}

Step SmtpSession::State::greeting() const {
  std::string lines = config().name;
  if (const auto ready = text(config().texts.ready); !ready.empty()) lines += " " + ready;
  const auto offer = [&lines](std::string_view keyword) { lines.append("\n").append(keyword); };
  if (extended) {
    if (rules->handover)
      for (const auto& keyword : rules->mta_extensions) offer(keyword);
    else
      for (const auto keyword : kExtensions) offer(keyword);
    if (rules->tls_offered && !session().tls && !held()) offer("STARTTLS");
  }
  return say(250, {}, lines);
}

Step SmtpSession::State::mail(const Command& command, std::string_view line) {
  if (!greeted) {
    tag(kNoHelo);
    return bad(503, "5.5.1", "Say HELO first");
  }
  if (envelope) return bad(503, "5.5.1", "There is a sender already");
  if (command.malformed) return bad(501, "5.5.4", "Syntax: MAIL FROM:<address>");
  auto path = parse_sender(command.argument);
  if (!path) return bad(501, "5.1.7", path.error().what);
  if (const auto complaint = check_sender(*path, offers_dsn()); complaint.code != 0)
    return bad(complaint.code, complaint.enhanced, complaint.text);

  envelope = std::make_unique<Envelope>();
  envelope->utf8 = asks_for_utf8(*path);
  envelope->sender = std::move(*path);
  if (rules->handover)
    envelope->words = std::make_unique<HandoverEnvelope>(HandoverEnvelope{extended, session().helo, std::string(line), {}});
  return wants(hook::mail) ? ask(Asking::mail) : sender_ok();
}

Step SmtpSession::State::rcpt(const Command& command, std::string_view line) {
  if (!envelope) return bad(503, "5.5.1", "Say MAIL first");
  if (command.malformed) return bad(501, "5.5.4", "Syntax: RCPT TO:<address>");
  auto path = parse_recipient(command.argument);
  if (!path) return bad(501, "5.1.3", path.error().what);
  if (const auto complaint = check_recipient(*path, envelope->utf8, offers_dsn()); complaint.code != 0)
    return bad(complaint.code, complaint.enhanced, complaint.text);
  if (envelope->recipients >= config().limits.recipients) return bad(452, "4.5.3", "Too many recipients");
  ++envelope->recipients;
  envelope->rcpt = std::move(path->address);
  if (envelope->words) envelope->words->rcpt = line;
  return ask(Asking::rcpt);
}

Step SmtpSession::State::data(std::string_view argument) {
  if (!argument.empty()) return bad(501, "5.5.4", "Syntax: DATA");
  if (held()) return take_message();
  if (!envelope || envelope->recipients == 0) return bad(503, "5.5.1", "Say RCPT first");
  // 5xx here would end a message that some recipient may still get.
  if (envelope->promised == 0)
    return envelope->put_off > 0 ? bad(451, "4.5.1", "No valid recipients") : bad(554, "5.5.1", "No valid recipients");
  if ((dialogue->hooks() & (hook::data | hook::reply)) != 0) return ask(Asking::data);
  return told_data(dialogue->data());
}

Step SmtpSession::State::take_message() {
  forget_envelope();
  message.begin();
  return say(354, {}, text(config().texts.data));
}

Step SmtpSession::State::held_line(std::string_view line) {
  if (!message.line(line, id, client, log)) return {};
  return say(refusal->reply, Then::hang_up);
}

Step SmtpSession::State::start_tls(std::string_view argument) {
  if (!argument.empty()) return bad(501, "5.5.4", "Syntax: STARTTLS");
  if (session().tls) return bad(503, "5.5.1", "TLS is on already");
  if (!rules->tls_offered || held()) return bad(454, "4.7.0", "TLS is not available");
  return say(220, "2.0.0", "Ready to start TLS", Then::start_tls);
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
    if (rules->handover && envelope->promised == 0 && envelope->held == 0) return say({}, Then::hand_over);
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
  if (decision.lets_through()) return later(Then::hang_up);
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

SmtpSession::SmtpSession(std::shared_ptr<const SessionRules> rules, const OpenDialogue& open, Session known, Log& log)
    : state_(std::make_unique<State>(std::move(rules), open, std::move(known), log)) {}

// Who leaves before anybody was asked is still to be seen by those who note that clients leave.
SmtpSession::~SmtpSession() {
  if (!state_->seen && needs_goodbye()) state_->dialogue->connect();
}

Step SmtpSession::greet() {
  if (state_->wants(hook::connect)) return state_->ask(State::Asking::connect);
  return say(220, {}, state_->text(state_->config().texts.banner));
}

Step SmtpSession::line(const Line& line) {
  auto& state = *state_;
  assert(state.asking == State::Asking::nothing);
  if (state.message.reading()) return state.held_line(line.text);
  if (line.bare_lf) state.tag(kBareLf);
  if (line.bare_cr) state.tag(kBareCr);
  if (line.too_long) {
    state.tag(kLongLine);
    return state.settled(state.bad(500, "5.5.2", "Line too long"));
  }
  return state.settled(state.command(line.text));
}

Step SmtpSession::answer() {
  auto& state = *state_;
  return state.settled(state.answer());
}

void SmtpSession::tls_started(std::string_view verified_subject) {
  state_->forget_envelope();
  auto& session = state_->session();
  session.helo.clear();
  session.tls = true;
  session.tls_subject = verified_subject.substr(0, kLongestSubject);
  state_->greeted = false;
}

void SmtpSession::spoke_early(bool before_banner) { state_->tag(before_banner ? kEarlyTalker : kPipelining); }

const HandoverEnvelope& SmtpSession::handover_envelope() const { return *state_->envelope->words; }

Step SmtpSession::handover_failed() {
  ++state_->envelope->put_off;
  return say(451, "4.3.0", state_->text(state_->config().texts.later));
}

const Pace& SmtpSession::pace() const { return state_->pace; }
bool SmtpSession::held() const { return state_->held(); }

std::size_t SmtpSession::line_limit() const {
  return state_->message.reading() ? LineReader::kTextLimit : LineReader::kCommandLimit;
}

bool SmtpSession::needs_goodbye() const { return (state_->dialogue->hooks() & hook::disconnect) != 0; }
const Session& SmtpSession::session() const { return state_->session(); }
std::string SmtpSession::lists() const { return state_->held() ? state_->refusal->plugin : std::string(); }

}  // namespace deferd::smtp
