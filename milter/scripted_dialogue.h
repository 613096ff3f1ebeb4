// For tests: a Dialogue that decides by the local part of the address and writes down what it was asked.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "host/pipeline.h"

namespace deferd {

/// What the dialogues of a test do beside deciding. Thread-safe.
class Script {
 public:
  std::uint32_t hooks = 0;
  Voice voice = Voice::rcpt;
  std::chrono::milliseconds pace{};  ///< Wished for every answer.
  std::string at_data, at_headers;   ///< The "addresses" that decide at these stages.
  std::function<void(std::string_view call)> on_call;
  Session* session = nullptr;  ///< Of the dialogue opened last.

  void opened(Session& its_session) {
    const std::lock_guard lock(mutex_);
    session = &its_session;
  }
  void note(const std::string& call) {
    if (on_call) on_call(call);
    const std::lock_guard lock(mutex_);
    calls_.push_back(call);
  }
  std::vector<std::string> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(calls_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> calls_;
};

/// The verdict on `defer@...` is defer, so with `reject`, `close`; `throw` throws; others pass. `waited@...` has been kept
/// waiting for 7 minutes and 12 seconds.
class ScriptedDialogue : public Dialogue {
 public:
  ScriptedDialogue(Script& script, Session session) : script_(script), session_(std::move(session)) {
    script_.opened(session_);
    script_.note("open");
  }
  ~ScriptedDialogue() override { script_.note("bye"); }

  Session& session() override { return session_; }
  void tag(std::string_view fact) override { session_.tags.emplace_back(fact); }
  const Decision& connect() override {
    script_.note("connect " + session_.client.to_string());
    return decide(Stage::connect, session_.client_name);
  }
  const Decision& helo() override {
    script_.note("helo " + session_.helo);
    return decide(Stage::helo, session_.helo);
  }
  const Decision& mail(std::string from) override {
    script_.note("mail " + from);
    session_.mail_from = std::move(from);
    session_.rcpt_to.clear();
    waited_ = {};
    untold_.clear();
    return decide(Stage::mail, session_.mail_from);
  }
  const Decision& rcpt(std::string to) override {
    script_.note("rcpt " + to);
    decide(Stage::rcpt, to);
    if (decision_.lets_through()) session_.rcpt_to.push_back(to);
    if (to.starts_with("waited@")) waited_ = std::chrono::seconds(432);
    if (script_.voice == Voice::data && decision_.verdict.action == Action::defer) {
      decision_.voiced = false;
      untold_ = to;
    }
    return decision_;
  }
  const Decision& data() override {
    script_.note("data");
    return decide(Stage::data, untold_.empty() ? script_.at_data : untold_);
  }
  const Decision& headers() override {
    script_.note("headers " + std::to_string(session_.headers.size()));
    return decide(Stage::headers, script_.at_headers);
  }
  Duration accepted() override {
    script_.note("accepted");
    return waited_;
  }
  void reset() override { script_.note("reset"); }
  std::uint32_t hooks() const override { return script_.hooks; }

 private:
  const Decision& decide(Stage stage, std::string_view by) {
    decision_ = Decision{};
    decision_.stage = stage;
    decision_.pace.delay = script_.pace;
    if (by.starts_with("defer")) decision_.verdict = Verdict::defer({451, "4.7.1", "Come back in 100% of 5 minutes"}, "test");
    if (by.starts_with("reject")) decision_.verdict = Verdict::reject({554, "5.7.1", "No"}, "test");
    if (by.starts_with("close")) decision_.verdict = Verdict::close({}, "test");
    if (by.starts_with("lines")) decision_.verdict = Verdict::defer({450, "4.2.0", "one\ntwo"}, "test");
    if (by.starts_with("throw")) throw std::runtime_error("the script says so");
    return decision_;
  }

  Script& script_;
  Session session_;
  Decision decision_;
  Duration waited_{};
  std::string untold_;
};

}  // namespace deferd
