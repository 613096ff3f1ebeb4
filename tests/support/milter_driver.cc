#include "support/milter_driver.h"

#include "support/daemon_driver.h"
#include "support/milter_client.h"

namespace deferd::scenario {

namespace {

Heard heard(const MilterAnswer& answer) {
  Heard heard;
  if (answer.goes_on()) return heard;
  heard.code = answer.smtp_code();
  if (answer.text.size() > 5 && answer.text[5] == '.') heard.enhanced = answer.text.substr(4, answer.text.find(' ', 4) - 4);
  return heard;
}

class MilterDriver : public DaemonDriver {
 public:
  MilterDriver(const Scenario& scenario, const std::string& bin_dir, const std::vector<std::string>& plugin_dirs)
      : DaemonDriver(scenario, "listen: {milter: [\"unix:$FOLDER/milter.sock\"]}\n", bin_dir, plugin_dirs) {}

  std::string name() const override { return "milter"; }

 private:
  Outcome play(const Try& attempt) override {
    MilterClient mta("unix:" + daemon_.path("milter.sock"));
    mta.negotiate();
    const auto address = attempt.client.to_string();
    mta.connect(attempt.name.empty() ? "[" + address + "]" : attempt.name, address);
    mta.helo(attempt.helo);
    MilterClient::Pairs macros;
    if (!attempt.auth.empty()) macros.insert(macros.end(), {{"{auth_type}", "PLAIN"}, {"{auth_authen}", attempt.auth}});
    if (!attempt.tls_subject.empty())
      macros.insert(macros.end(), {{"{tls_version}", "TLSv1.3"}, {"{verify}", "OK"}, {"{cert_subject}", attempt.tls_subject}});
    mta.macros(macros);
    mta.mail("<" + attempt.from + ">");
    Outcome outcome;
    bool goes_on = false;
    for (const auto& to : attempt.to) {
      outcome.recipients.push_back(heard(mta.rcpt("<" + to + ">")));
      ++asked_;
      goes_on = goes_on || outcome.recipients.back().code == 0;
    }
    if (goes_on && !attempt.quits) outcome.data = heard(mta.message());
    if (!goes_on || attempt.quits || outcome.data.code != 0) mta.abort();
    mta.quit();
    return outcome;
  }
};

}  // namespace

Result<std::unique_ptr<Driver>> make_milter_driver(const Scenario& scenario, const std::string& bin_dir,
                                                   const std::vector<std::string>& plugin_dirs) {
  try {
    return std::make_unique<MilterDriver>(scenario, bin_dir, plugin_dirs);
  } catch (const std::exception& error) {
    return fail(Errc::invalid, error.what());
  }
}

}  // namespace deferd::scenario
