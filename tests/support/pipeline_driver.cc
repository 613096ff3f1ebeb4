#include "support/pipeline_driver.h"

#include "base/testing_clock.h"
#include "config/yaml.h"
#include "daemon/config.h"
#include "deferd/testing/fake_log.h"
#include "host/generation.h"
#include "host/loader.h"
#include "host/pipeline.h"
#include "ops/metrics.h"
#include "store/memory_engine.h"

namespace deferd::scenario {

namespace {

const Time kStart{std::chrono::seconds(1767225600)};  // 2026-01-01T00:00:00Z, a Thursday

class PipelineDriver : public Driver {
 public:
  PipelineDriver(const LoadedConfig& loaded, std::shared_ptr<const Exempt> exempt, const std::vector<std::string>& plugin_dirs)
      : voice_(loaded.config.milter.voice),
        clock_(kStart),
        engine_(make_memory_engine(clock_)),
        parts_{clock_, log_, metrics_, *engine_},
        loader_(plugin_dirs, log_),
        pipeline_(parts_) {
    pipeline_.use(make_generation(
        loaded.plugins, [this](const std::string& name) { return loader_.load(name); }, std::move(exempt), parts_,
        pipeline_.runner()));
  }

  std::string name() const override { return "pipeline"; }

  Result<Outcome> attempt(const Try& attempt) override {
    Session session;
    session.client = attempt.client;
    session.client_name = attempt.name;
    session.front_end = "milter";
    session.helo = attempt.helo;
    session.auth = attempt.auth;
    session.tls_subject = attempt.tls_subject;
    session.tls = !attempt.tls_subject.empty();
    auto dialogue = pipeline_.open(std::move(session), voice_);
    dialogue->mail(attempt.from);
    Outcome outcome;
    bool goes_on = false;
    for (const auto& to : attempt.to) {
      const auto& decision = dialogue->rcpt(to);
      outcome.recipients.push_back(heard(decision));
      decisions_.push_back({decision.id, to, outcome.recipients.back(), reason(decision)});
      goes_on = goes_on || decision.lets_through() || !decision.voiced;
      if (!decision.lets_through()) last_refused_ = Refused{attempt.client, attempt.helo, attempt.from, to};
    }
    if (!goes_on || attempt.quits) return outcome;
    outcome.data = heard(dialogue->data());
    if (outcome.data.code == 0) outcome.data = heard(dialogue->headers());
    if (outcome.data.code == 0) dialogue->accepted();
    return outcome;
  }

  std::vector<Decided> decisions() override { return decisions_; }

  Result<void> after(std::chrono::seconds duration) override {
    clock_.advance(duration);
    while (true) {
      auto expired = engine_->sweep();
      if (!expired) return tl::unexpected(expired.error());
      if (*expired == 0) return {};
    }
  }

  Result<void> add_row(const AddRow& row) override {
    auto prefix = Prefix::parse(row.prefix);
    if (!prefix) return tl::unexpected(prefix.error());
    TableRow added;
    added.prefix = *prefix;
    added.added = clock_.now();
    added.expires = clock_.now() + row.duration;
    added.source = "operator";
    return engine_->tables().put(row.table, added);
  }

  Result<void> remove(const std::string& text) override {
    auto prefix = Prefix::parse(text);
    if (!prefix) return tl::unexpected(prefix.error());
    for (const auto table : {kWhite, kTrapped})
      if (auto erased = engine_->tables().erase(table, *prefix, "operator"); !erased) return tl::unexpected(erased.error());
    Value args = Value::map();
    args.set("client", prefix->to_string());
    return command("delete", args);
  }

  Result<void> expect_mail(const ExpectMail& expect) override {
    Value args = Value::map();
    args.set("to", expect.to);
    if (!expect.from_domain.empty()) args.set("from_domain", expect.from_domain);
    args.set("for", format_duration(expect.duration));
    return command("expect", args);
  }

  Result<void> release() override {
    Value args = Value::map();
    args.set("client", last_refused_.client.to_string());
    args.set("helo", last_refused_.helo);
    args.set("from", last_refused_.from);
    args.set("to", last_refused_.to);
    return command("release", args);
  }

  Result<bool> has_row(const std::string& table, const Address& address) override {
    auto match = engine_->tables().find(table, address);
    if (!match) return tl::unexpected(match.error());
    return match->row.has_value();
  }

 private:
  struct Refused {
    Address client;
    std::string helo, from, to;
  };
  struct Ignore : Rows {
    bool row(const Value&) override { return true; }
  };

  static Heard heard(const Decision& decision) {
    Heard heard;
    heard.plugin = decision.plugin;
    if (decision.lets_through()) return heard;
    heard.code = decision.verdict.reply.code;
    heard.enhanced = decision.verdict.reply.enhanced;
    return heard;
  }

  /// As the log tells it: of a plain pass, of whoever had one to give.
  static std::string reason(const Decision& decision) {
    if (!decision.verdict.reason.empty()) return decision.verdict.reason;
    for (const auto& answer : decision.trace)
      if (!answer.shadow && !answer.verdict.reason.empty()) return answer.verdict.reason;
    return {};
  }

  Result<void> command(std::string_view command, const Value& args) {
    Ignore rows;
    return pipeline_.command("", command, args, rows);
  }

  const Voice voice_;
  TestingClock clock_;
  FakeLog log_;
  Metrics metrics_;
  std::unique_ptr<Engine> engine_;
  HostParts parts_;
  Loader loader_;
  Pipeline pipeline_;
  Refused last_refused_;
  std::vector<Decided> decisions_;
};

}  // namespace

Result<std::unique_ptr<Driver>> make_pipeline_driver(const Scenario& scenario, const std::vector<std::string>& plugin_dirs) {
  Problems problems;
  const auto wrong = [&] { return fail(Errc::invalid, "its configuration is wrong:\n" + problems.to_string("configuration")); };
  const auto file = parse_yaml(scenario.yaml(), problems);
  if (!file) return wrong();
  const auto loaded = read_config(*file, problems);
  if (!loaded) return wrong();
  auto exempt = Exempt::build(loaded->config.exempt, problems);
  if (!exempt) return wrong();
  try {
    return std::make_unique<PipelineDriver>(*loaded, std::move(exempt), plugin_dirs);
  } catch (const ConfigError& error) {
    problems = error.problems;
    return wrong();
  }
}

}  // namespace deferd::scenario
