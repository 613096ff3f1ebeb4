#include "support/smtp_driver.h"

#include <stdexcept>

#include "config/yaml.h"
#include "daemon/config.h"
#include "support/daemon_driver.h"
#include "support/smtp_client.h"

namespace deferd::scenario {

namespace {

constexpr std::string_view kMessage = "From: anna\nTo: bert\nSubject: test\n\ntest\n";

/// The `smtp` and `listen` sections: the scenario says what voice, and floods are not what is tried here.
std::string front_end(const Scenario& scenario) {
  Problems problems;
  const auto file = parse_yaml(scenario.yaml(), problems);
  const auto loaded = file ? read_config(*file, problems) : std::nullopt;
  if (!loaded) throw std::runtime_error("its configuration is wrong:\n" + problems.to_string("configuration"));
  std::string voice;
  for (const auto& [name, value] : Choices<Voice>::values)
    if (value == loaded->config.milter.voice) voice = name;
  return "listen: {smtp: [\"127.0.0.1:0\"]}\n"
         "smtp: {name: mx.example.net, voice: " +
         voice + ", proxy_from: [127.0.0.1], limits: {per_prefix: 1000, new_per_prefix: 0}}\n";
}

class SmtpDriver : public DaemonDriver {
 public:
  SmtpDriver(const Scenario& scenario, const std::string& bin_dir, const std::vector<std::string>& plugin_dirs)
      : DaemonDriver(scenario, front_end(scenario), bin_dir, plugin_dirs), server_(listens_at()) {}

  std::string name() const override { return "smtp"; }

 private:
  /// Port 0 became some port.
  std::string listens_at() {
    for (const auto& event : daemon_.events())
      if (event.find("event")->text() == "smtp.listening") return event.find("socket")->text();
    throw std::runtime_error("deferd does not listen for SMTP:\n" + daemon_.log());
  }

  Outcome play(const Try& attempt) override {
    if (!attempt.auth.empty() || !attempt.tls_subject.empty() || !attempt.name.empty())
      throw std::runtime_error("a stranger cannot show auth=, tls= or name= over SMTP");
    SmtpClient client(server_);
    if (++attempts_ % 2 != 0)
      client.proxy_v1(attempt.client);
    else
      client.proxy_v2(attempt.client);
    expect(client.read_reply(), 220);
    expect(client.command("EHLO " + attempt.helo), 250);
    expect(client.command("MAIL FROM:<" + attempt.from + ">"), 250);
    std::vector<SmtpReply> replies;
    bool goes_on = false;
    for (const auto& to : attempt.to) {
      replies.push_back(client.command("RCPT TO:<" + to + ">"));
      goes_on = goes_on || replies.back().ok();
    }
    SmtpReply last;
    if (goes_on && !attempt.quits) last = finish(client);
    client.hang_up();

    asked_ += attempt.to.size();
    const auto& decisions = daemon_.decisions(asked_);
    Outcome outcome;
    bool deferred_later = false;
    for (std::size_t i = 0; i < replies.size(); ++i) {
      const auto& decided = decisions.at(asked_ - replies.size() + i).heard;
      outcome.recipients.push_back(heard(decided, replies[i]));
      deferred_later = deferred_later || (replies[i].ok() && decided.code != 0);
    }
    // With nobody deferred, the 451 to the message only says that we are no mail server.
    if (deferred_later && last.code != 0) outcome.data = {last.code, last.enhanced(), {}};
    return outcome;
  }

  static void expect(const SmtpReply& reply, int code) {
    if (reply.code != code) throw std::runtime_error("expected " + std::to_string(code) + ", heard " + reply.text());
  }

  /// DATA, and the message if it is asked for. Whatever was decided, it is not accepted.
  static SmtpReply finish(SmtpClient& client) {
    auto reply = client.command("DATA");
    if (reply.code == 354) reply = client.message(kMessage);
    if (reply.code / 100 != 4 && reply.code / 100 != 5) throw std::runtime_error("the message was accepted: " + reply.text());
    return reply;
  }

  /// A client that passes is told to come back; at RCPT, or after 250 at DATA. One that does not hears what was decided at the
  /// same places.
  static Heard heard(const Heard& decided, const SmtpReply& reply) {
    if (reply.ok()) return decided;
    if (decided.code == 0 && reply.code == 451) return decided;
    return {reply.code, reply.enhanced(), decided.plugin};
  }

  const std::string server_;
  std::size_t attempts_ = 0;
};

}  // namespace

Result<std::unique_ptr<Driver>> make_smtp_driver(const Scenario& scenario, const std::string& bin_dir,
                                                 const std::vector<std::string>& plugin_dirs) {
  try {
    return std::make_unique<SmtpDriver>(scenario, bin_dir, plugin_dirs);
  } catch (const std::exception& error) {
    return fail(Errc::invalid, error.what());
  }
}

}  // namespace deferd::scenario
