#include "smtp/message_watch.h"

#include <utility>

#include "smtp/mta_reply.h"
#include "smtp/path.h"

namespace deferd::smtp {

namespace {

constexpr std::size_t kMost = 1000;

bool is_good(int code) { return code / 100 == 2; }

}  // namespace

MessageWatch::MessageWatch(const HandoverEnvelope& words) {
  command(words.mail);
  command(words.rcpt);
  if (!looking_) return;
  answer(asked_.front(), 250);
  asked_.pop_front();
}

void MessageWatch::look_away() {
  looking_ = false;
  asked_ = {};
  message_ = {};
  lines_ = {};
  kept_ = reply_ = {};
}

TakenMessage MessageWatch::take() { return *std::exchange(taken_, std::nullopt); }

void MessageWatch::client_says(std::string_view bytes) {
  if (!looking_ || bytes.empty()) return;
  if (awaits_354_) return look_away();  // text or commands, nobody knows
  if (in_text_)
    read_text(bytes);
  else
    read_commands(bytes);
}

void MessageWatch::read_text(std::string_view bytes) {
  std::string joined;
  if (!kept_.empty()) {
    joined = std::exchange(kept_, {}).append(bytes);
    bytes = joined;
  }
  const auto seen = end_.look(bytes);
  bytes.remove_prefix(seen.size);
  switch (seen.found) {
    case MessageEnd::Found::nothing:
      kept_ = bytes;
      return;
    case MessageEnd::Found::doubt:
      return look_away();
    case MessageEnd::Found::end:
      break;
  }
  in_text_ = false;
  ask({Verb::other, true, {}});
  read_commands(bytes);
}

void MessageWatch::read_commands(std::string_view bytes) {
  lines_.feed(bytes);
  while (looking_) {
    const auto line = lines_.next(LineReader::kCommandLimit);
    if (!line) return;
    if (line->bare_lf || line->bare_cr || line->too_long) return look_away();
    command(line->text);
    if (awaits_354_ && !lines_.pending().empty()) return look_away();
  }
}

void MessageWatch::command(std::string_view line) {
  const auto command = parse_command(line);
  switch (command.verb) {
    case Verb::mail:
    case Verb::rcpt: {
      const auto path = command.verb == Verb::mail ? parse_sender(command.argument) : parse_recipient(command.argument);
      if (command.malformed || !path) return look_away();
      return ask({command.verb, false, path->address});
    }
    case Verb::data:
      awaits_354_ = true;
      return ask({command.verb, false, {}});
    case Verb::helo:
    case Verb::ehlo:
    case Verb::rset:
    case Verb::noop:
    case Verb::vrfy:
    case Verb::expn:
    case Verb::help:
    case Verb::quit:
      return ask({command.verb, false, {}});
    case Verb::starttls:
    case Verb::auth:
    case Verb::bdat:
    case Verb::other:
      return look_away();
  }
}

void MessageWatch::ask(Asked asked) {
  if (asked_.size() >= kMost) return look_away();
  asked_.push_back(std::move(asked));
}

void MessageWatch::mta_says(std::string_view bytes) {
  if (!looking_) return;
  reply_ += bytes;
  while (looking_ && !reply_.empty()) {
    const auto reply = first_reply(reply_);
    if (reply.code == 0) return;
    if (reply.code < 0 || asked_.empty()) return look_away();
    reply_.erase(0, reply.size);
    const auto asked = std::move(asked_.front());
    asked_.pop_front();
    answer(asked, reply.code);
  }
}

void MessageWatch::answer(const Asked& asked, int code) {
  if (asked.message) {
    if (is_good(code)) taken_ = std::move(message_);
    message_ = {};
    return;
  }
  switch (asked.verb) {
    case Verb::data:
      awaits_354_ = false;
      in_text_ = code == 354;
      end_ = {};
      return;
    case Verb::mail:
      if (is_good(code)) message_ = {asked.address, {}};
      return;
    case Verb::rcpt:
      if (is_good(code) && message_.recipients.size() < kMost) message_.recipients.push_back(asked.address);
      return;
    case Verb::helo:
    case Verb::ehlo:
    case Verb::rset:
      if (is_good(code)) message_ = {};
      return;
    default:
      return;
  }
}

}  // namespace deferd::smtp
