// For tests of the session: plays dialogues written as people read them.
//
//   C: EHLO client.example     what the client says, one line with CR LF
//   S: 250 mx.example Ready    what it hears: every line, in order
//   * hang up                  what is to follow: `hang up`, `start tls` (it does), or what the MTA is to do: `join`, `open`,
//                              `rcpt`, `data`, `message`
//   ! 250 fine                 the MTA has answered so
//   ! last 421 busy            likewise, and cannot be asked any more; `cut`: the client is in the middle of its message
//   ! none                     it has not answered
//   ! taken b@example.net      the MTA that was joined has taken a message for these
//   * leave mta                it is not needed any more
#pragma once
#include <gmock/gmock.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/testing/fake_clock.h"
#include "deferd/testing/fake_log.h"
#include "smtp/line_reader.h"
#include "smtp/scripted_dialogue.h"
#include "smtp/smtp_session.h"

namespace deferd::smtp {

class SessionTest : public testing::Test {
 protected:
  SessionTest() {
    config.name = "mx.example";
    client.client = *Address::parse("192.0.2.7");
    client.front_end = "smtp";
  }

  SmtpSession& session();  ///< Made at first use: from then on `config` and `rules` are as they are.
  void leave();            ///< The client is gone; the next one comes.

  /// The client's side of `script` is played, the whole must come out. A session is greeted before its first line.
  void play(std::string_view script);
  /// Bytes as they come from a socket, with pipelining and all. What is heard, one reply line each.
  std::vector<std::string> send(std::string_view bytes);

  SmtpConfig config;
  SessionRules rules;
  Session client;
  Script script;
  FakeClock clock;
  FakeLog log;
  int asks = 0;  ///< Hand-offs to a worker.

 private:
  Step settle(Step step);  ///< As the connection does: plugins are asked at once.
  void greet();
  void show(const Step& step);
  void hear(std::string_view line);
  void feed(std::string_view bytes);
  void mta(std::string_view answer);

  OpenDialogue open_ = [this](Session known, Voice voice) {
    return std::make_unique<ScriptedDialogue>(script, std::move(known), voice);
  };
  std::optional<SmtpSession> session_;
  LineReader reader_;
  std::string transcript_;
  bool greeted_ = false;
  bool at_mta_ = false;
};

}  // namespace deferd::smtp
