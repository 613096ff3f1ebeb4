// What was decided and what would be, asked over a real socket.
#include "control/control_fixture.h"

namespace deferd {
namespace {

using namespace std::chrono_literals;

class PastDecisionTest : public ControlTest {
 protected:
  void decide(Verdict verdict) {
    Script script;
    script.rcpt = [verdict](Context&, const std::string&) { return verdict; };
    script.command = greylist.command();
    use({{"greylist", script}});
    id = rcpt().id;
    pipeline_.flush_decisions();
    serve();
  }
  Recorder greylist;
  std::string id;
};

TEST_F(PastDecisionTest, IsFoundByItsId) {
  decide(deferred("first seen"));
  const Reply reply = ask("GET", "/v1/decisions/" + id);
  EXPECT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(at(reply.json, "id"), id);
  EXPECT_EQ(at(reply.json, "when"), "2026-01-01T00:00:00Z");
  EXPECT_EQ(at(reply.json, "client"), "192.0.2.7");
  EXPECT_EQ(at(reply.json, "from"), "a@example.net");
  EXPECT_EQ(at(reply.json, "rcpt"), "b@example.org");
  EXPECT_EQ(at(reply.json, "action"), "defer");
  EXPECT_EQ(at(reply.json, "reply.code"), "451");
  EXPECT_EQ(at(reply.json, "reason"), "first seen");
  EXPECT_EQ(ask("GET", "/v1/decisions/nothing").status, 404);
}

TEST_F(PastDecisionTest, IsReleasedThroughThePlugins) {
  decide(deferred());
  const Reply reply = ask("POST", "/v1/release", R"({"id": ")" + id + R"("})");
  EXPECT_EQ(reply.status, 200) << reply.text;
  EXPECT_NE(greylist.asked.find(R"("from":"a@example.net","to":"b@example.org")"), std::string::npos) << greylist.asked;
  EXPECT_TRUE(greylist.asked.starts_with("release "));
  EXPECT_EQ(ask("POST", "/v1/release", R"({"id": "nothing"})").status, 404);
}

TEST_F(PastDecisionTest, IsNotReleasedWhenItWasNotDeferred) {
  decide(Verdict::pass());
  EXPECT_EQ(ask("POST", "/v1/release", R"({"id": ")" + id + R"("})").status, 400);
  EXPECT_EQ(greylist.asked, "");
}

TEST_F(PastDecisionTest, IsExplainedAsItWasAndAsItWouldBe) {
  decide(deferred("first seen"));
  Script now;
  now.rcpt = [](Context&, const std::string&) { return Verdict::accept("known by now"); };
  use({{"greylist", now}});
  const Reply reply = ask("POST", "/v1/explain", R"({"id": ")" + id + R"("})");
  EXPECT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(at(reply.json, "then.action"), "defer");
  EXPECT_EQ(at(reply.json, "now.action"), "accept");
  EXPECT_EQ(at(reply.json, "now.rcpt"), "b@example.org");
}

TEST_F(ControlTest, ExplainAsksThePluginsAndChangesNothing) {
  Script rules, greylist;
  rules.connect = [](Context&) { return Verdict::pass().tagged("rules.seen"); };
  greylist.rcpt = [this](Context& context, const std::string& to) {
    EXPECT_TRUE(context.dry());
    EXPECT_EQ(context.session().helo, "mx.example.com");
    EXPECT_EQ(to, "b@example.net");
    TableRow row;
    row.prefix = Prefix(context.session().client);
    row.expires = clock_.now() + 24h;
    or_throw(context.tables().put(kWhite, row));
    return deferred("first attempt").due_at(clock_.now() + 5min);
  };
  use({{"rules", rules}, {"greylist", greylist}});
  serve();
  put_white("198.51.100.1");
  const std::string before = tables_text();
  const Reply reply =
      ask("POST", "/v1/explain",
          R"({"client": "192.0.2.7", "helo": "mx.example.com", "from": "<a@example.org>", "to": "b@example.net"})");
  EXPECT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(at(reply.json, "now.client"), "192.0.2.7");
  EXPECT_EQ(at(reply.json, "now.from"), "a@example.org");
  EXPECT_EQ(at(reply.json, "now.action"), "defer");
  EXPECT_EQ(at(reply.json, "now.plugin"), "greylist");
  EXPECT_EQ(at(reply.json, "now.due"), "2026-01-01T00:05:00Z");
  const Value* trace = reply.json.find("now")->find("trace");
  ASSERT_NE(trace, nullptr);
  ASSERT_EQ(trace->size(), 2u) << reply.text;
  EXPECT_EQ(at(trace->items()[0], "plugin"), "rules");
  EXPECT_EQ(at(trace->items()[0], "stage"), "connect");
  EXPECT_EQ(at(trace->items()[0], "tags"), R"(["rules.seen"])");
  EXPECT_EQ(at(trace->items()[1], "reason"), "first attempt");
  EXPECT_EQ(tables_text(), before);
}

TEST_F(ControlTest, ExplainTakesTheNullSender) {
  std::string from = "unset";
  Script script;
  script.rcpt = [&](Context& context, const std::string&) {
    from = context.session().mail_from;
    return Verdict::pass();
  };
  use({{"greylist", script}});
  serve();
  ask("POST", "/v1/explain", R"({"client": "192.0.2.7", "from": "<>"})");
  EXPECT_EQ(from, "");
  ask("POST", "/v1/explain", R"({"client": "192.0.2.7"})");
  EXPECT_EQ(from, "sender@example.com");
}

TEST_F(ControlTest, ExplainWantsAClientOrAnId) {
  serve();
  EXPECT_EQ(ask("POST", "/v1/explain", "{}").status, 400);
  EXPECT_EQ(ask("POST", "/v1/explain", R"({"client": "192.0.2.7", "id": "x"})").status, 400);
  EXPECT_EQ(ask("POST", "/v1/explain", R"({"client": "mail.example.org"})").status, 400);
}

}  // namespace
}  // namespace deferd
