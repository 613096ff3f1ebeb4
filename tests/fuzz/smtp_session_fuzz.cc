// Whatever a client says, in whatever pieces: replies are well-formed and bounded, no message is ever accepted but by the MTA,
// which nobody reaches with a promise of ours outstanding or with words that could be two lines, and what the session keeps stays
// small.
#include <algorithm>
#include <iterator>
#include <optional>

#include "deferd/testing/fake_log.h"
#include "require.h"
#include "smtp/command.h"
#include "smtp/line_reader.h"
#include "smtp/scripted_dialogue.h"
#include "smtp/smtp_session.h"

using namespace deferd;
using namespace deferd::smtp;

namespace {

/// The first bytes of the input: how the front end is set up, and how bytes arrive.
struct Setup {
  std::uint8_t hooks, voice, features, at_connect, piece;
};

constexpr std::string_view kNames[] = {"", "defer", "reject", "close", "held", "bounced", "lines", "exempt", "white", "accept"};

class Client {
 public:
  Client(const Setup& setup, Script& script, Log& log)
      : open_([&script](Session known, Voice voice) {
          return std::make_unique<ScriptedDialogue>(script, std::move(known), voice);
        }) {
    auto config = std::make_shared<SmtpConfig>();
    config->name = "mx.example";
    config->voice = static_cast<Voice>(setup.voice % 3);
    config->limits.recipients = 5;
    SessionRules rules;
    rules.config = std::move(config);
    rules.tls_offered = (setup.features & 1) != 0;
    rules.handover = (setup.features & 2) != 0;
    if ((setup.features & 4) != 0) rules.mta_extensions = {"SIZE 1000", "DSN"};
    session_.emplace(std::make_shared<const SessionRules>(rules), open_, Session{}, log);
    take(session_->greet());
  }

  bool gone() const { return gone_; }

  void send(std::string_view bytes) {
    reader_.feed(bytes);
    while (!gone_) {
      const auto line = reader_.next(session_->line_limit());
      if (!line) return;
      const bool reading = session_->line_limit() == LineReader::kTextLimit;
      verb_ = reading || line->too_long ? Verb::other : parse_command(line->text).verb;
      message_ = reading;
      take(session_->line(*line));
    }
  }

 private:
  void take(Step step) {
    if (step.ask) {
      REQUIRE(step.reply.empty());
      step = session_->answer();
    }
    REQUIRE(!step.ask);
    check_reply(step.reply);
    const char kind = step.reply.empty() ? ' ' : step.reply[0];
    if (verb_ == Verb::rcpt && kind == '2') promised_ = true;
    // These forget the envelope, unless they are no good (HELO without a name: 501); 550 and 451 are what plugins say to HELO.
    if (verb_ == Verb::rset || verb_ == Verb::starttls || verb_ == Verb::helo || verb_ == Verb::ehlo)
      promised_ = promised_ && kind != '2' && !step.reply.starts_with("550") && !step.reply.starts_with("451");
    if (verb_ == Verb::data && !by_mta_) REQUIRE(kind != '2');
    if (message_) REQUIRE(step.reply.empty() || step.reply[0] == '4' || step.reply[0] == '5');
    REQUIRE(session_->pace().hold ? session_->held() : true);
    REQUIRE(session_->held() == !session_->lists().empty());
    switch (step.then) {
      case Step::Then::go_on:
        REQUIRE(!step.reply.empty() || message_);
        break;
      case Step::Then::hang_up:
        gone_ = true;
        break;
      case Step::Then::start_tls:
        reader_.clear();
        session_->tls_started("CN=client.example");
        break;
      case Step::Then::hand_over:
        ask_mta();
    }
  }

  /// An MTA that does this and that.
  void ask_mta() {
    using What = MtaOrder::What;
    const auto what = session_->mta_order().what;
    check_words(session_->mta_order().words);
    if (what == What::join || what == What::open) REQUIRE(verb_ == Verb::rcpt && !promised_);
    REQUIRE(session_->with_mta());
    ++asked_;
    if (what == What::join || asked_ % 5 == 0) {
      if (what == What::data || what == What::message) promised_ = false;
      return take(session_->mta_failed());
    }
    MtaAnswer answer;
    answer.code = what == What::data ? 354 : asked_ % 3 == 0 ? 550 : 250;
    answer.last = what == What::message || asked_ % 7 == 0;
    answer.reply = std::to_string(answer.code) + " fake\r\n";
    if (what == What::data && answer.last) answer.code = 421, answer.reply = "421 fake\r\n";
    if (what == What::data || what == What::message) promised_ = false;  // by what it hears now
    by_mta_ = true;
    take(session_->mta_answered(std::move(answer)));
    by_mta_ = false;
  }

  static void check_reply(std::string_view reply) {
    REQUIRE(reply.size() <= 32 * 502);
    const auto code = reply.substr(0, 3);
    while (!reply.empty()) {
      const auto end = reply.find("\r\n");
      REQUIRE(end != reply.npos && end >= 4 && end <= 510);
      REQUIRE(reply.substr(0, 3) == code && code[0] >= '2' && code[0] <= '5');
      REQUIRE(reply[3] == (end + 2 == reply.size() ? ' ' : '-'));
      REQUIRE(std::all_of(reply.begin(), reply.begin() + static_cast<std::ptrdiff_t>(end),
                          [](char c) { return c >= ' ' && c <= '~'; }));
      reply.remove_prefix(end + 2);
    }
  }

  static void check_words(const HandoverEnvelope& words) {
    for (const auto& text : {words.mail, words.rcpt}) {
      REQUIRE(text.size() >= 4 && text.size() <= LineReader::kCommandLimit);
      REQUIRE(text.find_first_of(std::string_view("\r\n\0", 3)) == text.npos);
    }
    REQUIRE(!words.helo.empty() && words.helo.size() <= 255);
  }

  OpenDialogue open_;
  std::optional<SmtpSession> session_;
  LineReader reader_;
  bool gone_ = false;
  Verb verb_ = Verb::other;
  bool promised_ = false;  // some recipient of this transaction was answered 250
  bool message_ = false;
  bool by_mta_ = false;
  unsigned asked_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < sizeof(Setup)) return 0;
  const Setup setup{data[0], data[1], data[2], data[3], data[4]};
  std::string_view bytes(reinterpret_cast<const char*>(data) + sizeof(Setup), size - sizeof(Setup));
  Script script;
  script.hooks = ((setup.hooks & 1) != 0 ? hook::connect : 0) | ((setup.hooks & 2) != 0 ? hook::helo : 0) |
                 ((setup.hooks & 4) != 0 ? hook::mail : 0) | ((setup.hooks & 8) != 0 ? hook::data : 0) |
                 ((setup.hooks & 16) != 0 ? hook::reply : 0) | ((setup.hooks & 32) != 0 ? hook::disconnect : 0) |
                 ((setup.hooks & 64) != 0 ? hook::accepted : 0);
  script.at_connect = kNames[setup.at_connect % std::size(kNames)];
  FakeLog log;
  Client client(setup, script, log);
  const std::size_t piece = setup.piece == 0 ? bytes.size() + 1 : setup.piece;
  while (!bytes.empty() && !client.gone()) {
    client.send(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  REQUIRE(log.lines().size() <= 3);  // From, To, Subject
  return 0;
}
