#include "host/decision_record.h"

#include <gtest/gtest.h>

#include "host/decision_json.h"

namespace deferd {
namespace {

using namespace std::chrono_literals;

const Time kDue = std::chrono::sys_days(std::chrono::year(2026) / 11 / 20) + 11h;

struct Given {
  Decision decision;
  Session session;
};

Given all_there_is() {
  Given given;
  auto& [decision, session] = given;
  session.client = *Address::parse("2001:db8::7");
  session.client_name = "mx.example.net";
  session.auth = "someone";
  session.helo = "a\"b\\c\n\t\x01\xff";
  session.mail_from = "a@example.net";
  decision.stage = Stage::headers;
  decision.rcpt = std::string("\0/", 2);
  decision.verdict = Verdict::defer({451, "4.7.1", "Please try\nagain later"}, "not retried yet").due_at(kDue);
  decision.plugin = "greylist";
  decision.waited = 25min;
  decision.trace.push_back({"rules", Stage::connect, Verdict::pass().tagged("rules.seen").tagged("rules=slow"), false, {}});
  decision.trace.push_back({"blacklist", Stage::mail, Verdict::reject({550, "5.7.1", "No"}, "listed"), true, {}});
  decision.trace.push_back({"greylist", Stage::rcpt, decision.verdict, false, {}});
  decision.trace.push_back({"slow", Stage::data, Verdict::close({}, "").after_waiting(-1s), true, {}});
  decision.trace.push_back({"broken", Stage::rcpt, Verdict::pass("the plugin failed"), false, "timeout"});
  return given;
}

std::string text_of(const Decision& decision, const Session& session) {
  std::string out;
  append_decision_json(out, decision, session, kDue);
  return out;
}

TEST(DecisionRecord, KeepsAllThatPeopleAreTold) {
  const auto given = all_there_is();
  const auto past = or_throw(unpack_decision(pack_decision(given.decision, given.session)));
  EXPECT_EQ(text_of(past.decision, past.session), text_of(given.decision, given.session));
}

TEST(DecisionRecord, KeepsWhatHasNothingToTell) {
  const auto past = or_throw(unpack_decision(pack_decision({}, {})));
  EXPECT_EQ(text_of(past.decision, past.session), text_of({}, {}));
}

TEST(DecisionRecord, IsCorruptIfItsEndIsMissing) {
  const auto given = all_there_is();
  const auto whole = pack_decision(given.decision, given.session);
  int read = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto past = unpack_decision(std::string_view(whole).substr(0, size));
    if (past)
      ++read;
    else
      EXPECT_EQ(past.error().code, Errc::corrupt);
  }
  EXPECT_EQ(read, 5) << "it may end before any answer";
}

TEST(DecisionRecord, IsNotReadInAnotherLayout) {
  auto packed = pack_decision({}, {});
  ++packed[0];
  EXPECT_FALSE(unpack_decision(packed));
}

}  // namespace
}  // namespace deferd
