#include "smtp/smtp_session.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/clock.h"
#include "smtp/session_state.h"
#include "smtp/texts.h"

namespace deferd::smtp {

namespace {

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

}  // namespace

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
  return held() ? say(refusal.reply(), Then::hang_up) : say(421, "4.7.0", "Too many errors", Then::hang_up);
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
  std::string lines;
  lines.reserve(160);
  lines = config().name;
  if (const auto ready = text(config().texts.ready); !ready.empty()) lines.append(" ").append(ready);
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
    envelope->order =
        std::make_unique<MtaOrder>(MtaOrder{MtaOrder::What::open, {extended, session().helo, std::string(line), {}}});
  return wants(hook::mail) ? ask(Asking::mail) : sender_ok();
}

Step SmtpSession::State::rcpt(const Command& command, std::string_view line) {
  if (!envelope) return bad(503, "5.5.1", "Say MAIL first");
  if (command.malformed) return bad(501, "5.5.4", "Syntax: RCPT TO:<address>");
  auto path = parse_recipient(command.argument);
  if (!path) return bad(501, "5.1.3", path.error().what);
  if (const auto complaint = check_recipient(*path, envelope->utf8, offers_dsn()); complaint.code != 0)
    return bad(complaint.code, complaint.enhanced, complaint.text);
  // No error: who is told so sends the message to the others (RFC 5321 section 4.5.3.1.10).
  if (envelope->recipients >= config().limits.recipients) return say(452, "4.5.3", "Too many recipients");
  ++envelope->recipients;
  envelope->rcpt = std::move(path->address);
  if (envelope->order) envelope->order->words.rcpt = line;
  return ask(Asking::rcpt);
}

Step SmtpSession::State::data(std::string_view argument) {
  if (!argument.empty()) return bad(501, "5.5.4", "Syntax: DATA");
  if (held()) return take_message();
  if (!envelope || envelope->recipients == 0) return bad(503, "5.5.1", "Say RCPT first");
  if (envelope->mta == Envelope::Mta::lost) return later(Then::hang_up);
  // 5xx here would end a message that some recipient may still get.
  if (envelope->promised == 0 && envelope->relayed == 0)
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
  return say(refusal.reply(), Then::hang_up);
}

Step SmtpSession::State::start_tls(std::string_view argument) {
  if (!argument.empty()) return bad(501, "5.5.4", "Syntax: STARTTLS");
  if (session().tls) return bad(503, "5.5.1", "TLS is on already");
  if (!rules->tls_offered || held()) return bad(454, "4.7.0", "TLS is not available");
  forget_envelope();  // now, so that no MTA is kept waiting while the client takes its time with the handshake
  return say(220, "2.0.0", "Ready to start TLS", Then::start_tls);
}

SmtpSession::SmtpSession(std::shared_ptr<const SessionRules> rules, const OpenDialogue& open, Session&& known, Log& log)
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

void SmtpSession::rest() {
  if (!state_->envelope) state_->dialogue->rest();
}

void SmtpSession::spoke_early(bool before_banner) { state_->tag(before_banner ? kEarlyTalker : kPipelining); }

const MtaOrder& SmtpSession::mta_order() const { return *state_->envelope->order; }
Step SmtpSession::mta_answered(MtaAnswer answer) { return state_->mta_answered(std::move(answer)); }
Step SmtpSession::mta_failed() { return state_->mta_failed(); }
bool SmtpSession::with_mta() const { return state_->with_mta(); }

const Pace& SmtpSession::pace() const { return state_->pace; }
bool SmtpSession::held() const { return state_->held(); }

std::size_t SmtpSession::line_limit() const {
  return state_->message.reading() ? LineReader::kTextLimit : LineReader::kCommandLimit;
}

bool SmtpSession::in_transaction() const { return state_->envelope != nullptr; }
bool SmtpSession::tells_of_message() const {
  return state_->asking == State::Asking::taken || state_->asking == State::Asking::joined;
}
bool SmtpSession::needs_goodbye() const { return (state_->dialogue->hooks() & hook::disconnect) != 0; }
const Session& SmtpSession::session() const { return state_->session(); }
const Address& SmtpSession::client() const { return state_->client; }
std::string SmtpSession::lists() const { return state_->refusal.plugin(); }

}  // namespace deferd::smtp
