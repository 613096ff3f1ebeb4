// For tests: a Dialogue that decides by names and writes down what it was asked.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/pipeline.h"

namespace deferd::smtp {

/// What the dialogues of a test do. Thread-safe as to its calls.
class Script {
 public:
  std::uint32_t hooks = 0;
  std::string at_connect, at_data;  ///< The "names" that decide at these stages.
  Pace pace{};                      ///< Wished for every decision.
  std::function<void(std::string_view call)> on_call;
  std::atomic<bool> all_trapped = false;  ///< Nobody is white.
  std::atomic<Voice> voice{};             ///< Of the dialogue opened last.
  std::atomic<int> rests = 0;

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

/// The verdict on a name that starts with `defer` is defer, so with `reject`, `close` and `exempt` (an accept of that name);
/// others pass; a recipient that starts with `white` makes its client white, `accept` is let in by somebody's accept. One that
/// starts with `held` is deferred and to be held, `bounced` is rejected and to be held; `lines` is held
/// and has two lines to say. With `.failed` in the name some plugin has failed meanwhile, with `.shadow-failed` one in shadow.
class ScriptedDialogue : public Dialogue {
 public:
  ScriptedDialogue(Script& script, Session session, Voice voice) : script_(script), session_(std::move(session)), voice_(voice) {
    if (session_.id == 0) session_.id = 0x5e55;
    script_.voice = voice;
    script_.note("open");
  }
  ~ScriptedDialogue() override { script_.note("bye"); }

  Session& session() override { return session_; }
  void tag(std::string_view fact) override {
    if (!session_.tagged(fact)) session_.tags.emplace_back(fact);
  }
  const Decision& connect() override { return decide(Stage::connect, "connect", script_.at_connect); }
  const Decision& helo() override { return decide(Stage::helo, "helo " + session_.helo, session_.helo); }
  const Decision& mail(std::string from) override {
    reset_envelope();
    session_.mail_from = std::move(from);
    std::string call = "mail " + session_.mail_from;
    for (const auto& parameter : session_.mail_parameters) call += " " + parameter;
    return decide(Stage::mail, call, session_.mail_from);
  }
  const Decision& rcpt(std::string to) override {
    decide(Stage::rcpt, "rcpt " + to, to);
    white_ = white_ || to.starts_with("white");
    if (decision_.lets_through()) session_.rcpt_to.push_back(to);
    if (voice_ == Voice::data && decision_.verdict.action == Action::defer) {
      decision_.voiced = false;
      untold_ = to;
    }
    return decision_;
  }
  const Decision& data() override { return decide(Stage::data, "data", untold_.empty() ? script_.at_data : untold_); }
  const Decision& headers() override { return decide(Stage::headers, "headers", {}); }
  Duration accepted() override {
    std::string call = "accepted " + session_.mail_from + " ->";
    for (const auto& to : session_.rcpt_to) call += " " + to;
    script_.note(call);
    return {};
  }
  bool client_is_white() override { return white_ && !script_.all_trapped; }
  void reset() override {
    script_.note("reset");
    reset_envelope();
    session_.mail_parameters.clear();
  }
  void rest() override {
    ++script_.rests;
    reset_envelope();
    session_.mail_parameters.clear();
  }
  std::uint32_t hooks() const override { return script_.hooks; }

 private:
  void reset_envelope() {
    session_.mail_from.clear();
    session_.rcpt_to.clear();
    untold_.clear();
  }

  const Decision& decide(Stage stage, const std::string& call, std::string_view by) {
    std::string noted = call;
    for (const auto& tag : session_.tags) noted += " #" + tag;
    script_.note(noted);
    decision_ = Decision{};
    decision_.stage = stage;
    decision_.pace = script_.pace;
    decision_.plugin = "test";
    auto& verdict = decision_.verdict;
    if (by.starts_with("defer") || by.starts_with("held")) verdict = Verdict::defer({451, "4.7.1", "Come back"}, "test");
    if (by.starts_with("reject") || by.starts_with("bounced")) verdict = Verdict::reject({550, "5.7.1", "No"}, "test");
    if (by.starts_with("close")) verdict = Verdict::close({}, "test");
    if (by.starts_with("lines")) verdict = Verdict::defer({450, "4.7.1", "First line\nSecond line\n"}, "test");
    decision_.pace.hold |= by.starts_with("held") || by.starts_with("bounced") || by.starts_with("lines");
    if (by.starts_with("exempt")) {
      verdict = Verdict::accept("test");
      decision_.plugin = "exempt";
    }
    if (by.starts_with("accept")) verdict = Verdict::accept("test");
    if (by.find(".failed") != by.npos || by.find(".shadow-failed") != by.npos) {
      auto& answer = decision_.trace.emplace_back();
      answer.plugin = "test";
      answer.fault = "quarantined";
      answer.shadow = by.find(".shadow-failed") != by.npos;
    }
    if (verdict.action == Action::pass) decision_.plugin.clear();
    return decision_;
  }

  Script& script_;
  Session session_;
  const Voice voice_;
  Decision decision_;
  std::string untold_;
  bool white_ = false;
};

}  // namespace deferd::smtp
