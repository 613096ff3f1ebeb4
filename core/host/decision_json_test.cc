#include "host/decision_json.h"

#include <gtest/gtest.h>

namespace deferd {
namespace {

using namespace std::chrono_literals;

const Time kWhen = std::chrono::sys_days(std::chrono::year(2026) / 11 / 20) + 11h;

std::string json(const Decision& decision, const Session& session, Time when = kWhen) {
  std::string out;
  append_decision_json(out, decision, session, when);
  return out;
}

Session stranger() {
  Session session;
  session.client = *Address::parse("192.0.2.7");
  session.mail_from = "a@example.net";
  return session;
}

TEST(DecisionJson, LeavesOutWhatIsUnknown) {
  EXPECT_EQ(json({}, {}, {}), R"({"stage":"rcpt","client":"0.0.0.0","from":"","action":"pass","trace":[]})");
}

TEST(DecisionJson, TellsAllThatIsKnown) {
  Session session = stranger();
  session.id = 7;
  session.client = *Address::parse("2001:db8::7");
  session.client_name = "mx.example.net";
  session.auth = "someone";
  session.helo = "helo.example.net";
  session.queue_id = "4XyZ";
  Decision decision;
  decision.id = "0000000000000007.2";
  decision.rcpt = "b@example.org";
  decision.verdict = Verdict::defer({451, "4.7.1", "Please try\nagain later"}, "not retried yet").due_at(kWhen + 5min);
  decision.plugin = "greylist";
  decision.pace.delay = 300ms;
  decision.pace.per_byte = 1s;
  decision.pace.hold = true;
  decision.trace.push_back({"rules", Stage::connect, Verdict::pass().tagged("rules.seen").tagged("rules=slow"), false, {}});
  decision.trace.push_back({"blacklist", Stage::mail, Verdict::reject({550, "5.7.1", "No"}, "listed"), true, {}});
  decision.trace.push_back({"greylist", Stage::rcpt, decision.verdict, false, {}});
  decision.trace.push_back({"broken", Stage::rcpt, Verdict::pass("the plugin failed"), false, "timeout"});
  EXPECT_EQ(json(decision, session),
            R"({"id":"0000000000000007.2","when":"2026-11-20T11:00:00Z","stage":"rcpt","client":"2001:db8::7",)"
            R"("name":"mx.example.net","auth":"someone","helo":"helo.example.net","from":"a@example.net","rcpt":"b@example.org",)"
            R"("action":"defer","plugin":"greylist","reason":"not retried yet",)"
            R"("reply":{"code":451,"enhanced":"4.7.1","text":"Please try\nagain later"},"due":"2026-11-20T11:05:00Z","trace":[)"
            R"({"plugin":"rules","stage":"connect","action":"pass","tags":["rules.seen","rules=slow"]},)"
            R"({"plugin":"blacklist","stage":"mail","action":"reject","reason":"listed","shadow":true},)"
            R"({"plugin":"greylist","stage":"rcpt","action":"defer","reason":"not retried yet","due":"2026-11-20T11:05:00Z"},)"
            R"({"plugin":"broken","stage":"rcpt","action":"pass","reason":"the plugin failed","fault":"timeout"}]})");
}

TEST(DecisionJson, TellsHowLongMailWaitedInSeconds) {
  Decision decision;
  decision.waited = 25min;
  decision.trace.push_back({"greylist", Stage::rcpt, Verdict::pass("retried").after_waiting(25min), false, {}});
  decision.trace.push_back({"slow", Stage::data, Verdict::close({}, "").after_waiting(-1s), true, {}});
  EXPECT_EQ(json(decision, stranger()),
            R"({"when":"2026-11-20T11:00:00Z","stage":"rcpt","client":"192.0.2.7","from":"a@example.net","action":"pass",)"
            R"("waited":1500,"trace":[{"plugin":"greylist","stage":"rcpt","action":"pass","reason":"retried","waited":1500},)"
            R"({"plugin":"slow","stage":"data","action":"close","waited":-1,"shadow":true}]})");
}

TEST(DecisionJson, EscapesStrangersBytes) {
  Session session = stranger();
  session.helo = "a\"b\\c\n\t\x01\x7f";
  session.mail_from = "gr\xc3\xbc\xc3\x9f\xc2\x9b@\xff\xc0\x80";
  Decision decision;
  decision.rcpt = std::string("\0/", 2);
  decision.verdict.reply.code = 250;
  EXPECT_EQ(json(decision, session, {}), R"({"stage":"rcpt","client":"192.0.2.7","helo":"a\"b\\c\n\u0009\u0001\u007f",)"
                                         "\"from\":\"gr\xc3\xbc\xc3\x9f\\u009b@\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\","
                                         R"("rcpt":"\u0000/","action":"pass","reply":{"code":250},"trace":[]})");
}

}  // namespace
}  // namespace deferd
