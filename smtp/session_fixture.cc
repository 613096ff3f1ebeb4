#include "smtp/session_fixture.h"

namespace deferd::smtp {

SmtpSession& SessionTest::session() {
  if (!session_) {
    rules.config = std::make_shared<const SmtpConfig>(config);
    rules.clock = &clock;
    session_.emplace(std::make_shared<const SessionRules>(rules), open_, Session(client), log);
  }
  return *session_;
}

void SessionTest::leave() {
  session_.reset();
  reader_.clear();
  greeted_ = at_mta_ = false;
}

void SessionTest::greet() {
  if (!std::exchange(greeted_, true)) show(settle(session().greet()));
}

Step SessionTest::settle(Step step) {
  while (step.ask) {
    ++asks;
    EXPECT_EQ(step.reply, "");
    step = session().answer();
  }
  return step;
}

void SessionTest::hear(std::string_view line) { transcript_.append(line).append("\n"); }

void SessionTest::show(const Step& step) {
  if (at_mta_ && !session().with_mta()) {
    at_mta_ = false;
    hear("* leave mta");
  }
  std::string_view rest = step.reply;
  EXPECT_TRUE(rest.empty() || rest.ends_with("\r\n")) << rest;
  while (!rest.empty()) {
    const auto end = std::min(rest.find("\r\n"), rest.size());
    hear("S: " + std::string(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  switch (step.then) {
    case Step::Then::go_on:
      break;
    case Step::Then::hang_up:
      hear("* hang up");
      break;
    case Step::Then::start_tls:
      hear("* start tls");
      reader_.clear();
      session().tls_started("");
      break;
    case Step::Then::hand_over:
      at_mta_ = true;
      constexpr const char* kOrders[] = {"* join", "* open", "* rcpt", "* data", "* message"};
      hear(kOrders[static_cast<std::size_t>(session().mta_order().what)]);
      break;
  }
}

void SessionTest::mta(std::string_view answer) {
  MtaAnswer answered;
  const auto word = [&answer] {
    const auto end = std::min(answer.find(' '), answer.size());
    const auto first = answer.substr(0, end);
    answer.remove_prefix(std::min(end + 1, answer.size()));
    return std::string(first);
  };
  if (answer == "none") {
    at_mta_ = false;
    return show(session().mta_failed());
  }
  if (answer.starts_with("taken ")) {
    word();
    answered.taken.sender = "a@example.org";
    while (!answer.empty()) answered.taken.recipients.push_back(word());
  } else {
    answered.cut = answer.starts_with("cut ");
    answered.last = answered.cut || answer.starts_with("last ");
    if (answered.last) word();
    answered.reply = std::string(answer) + "\r\n";
    answered.code = std::stoi(answered.reply);
  }
  show(settle(session().mta_answered(std::move(answered))));
}

void SessionTest::feed(std::string_view bytes) {
  greet();
  reader_.feed(bytes);
  while (const auto line = reader_.next(session().line_limit())) show(settle(session().line(*line)));
}

void SessionTest::play(std::string_view text) {
  transcript_.clear();
  std::string expected;
  greet();
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    expected += line + "\n";
    if (line.starts_with("C:")) {
      hear(line);
      feed(line.substr(std::min<std::size_t>(3, line.size())) + "\r\n");
    } else if (line.starts_with("! ")) {
      hear(line);
      mta(std::string_view(line).substr(2));
    }
  }
  EXPECT_EQ(transcript_, expected);
}

std::vector<std::string> SessionTest::send(std::string_view bytes) {
  transcript_.clear();
  feed(bytes);
  std::vector<std::string> heard;
  std::string_view rest = transcript_;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    heard.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  return heard;
}

}  // namespace deferd::smtp
