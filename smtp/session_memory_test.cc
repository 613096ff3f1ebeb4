// What a held client costs, with a real pipeline: every allocation is counted.
#include "host/host_fixture.h"
#include "smtp/counted_memory.h"
#include "smtp/smtp_session.h"

namespace deferd::smtp {
namespace {

class SessionMemoryTest : public HostTest {
 protected:
  static constexpr std::size_t kSessions = 200;

  SessionMemoryTest() {
    deferd::Script listed, silent, tarpit;
    listed.connect = [](Context&) {
      return Verdict::defer({450, "4.7.1", "Your address 192.0.2.7 is on a list"}, "listed in one").tagged("blacklist.hit");
    };
    silent.rcpt = [](Context&, const std::string&) { return Verdict::pass(); };
    silent.disconnect = [](Context&) {};
    tarpit.reply = [](Context&, const Decision&) {
      Pace pace;
      pace.per_byte = std::chrono::seconds(1);
      pace.hold = true;
      return pace;
    };
    use({{"rules", silent}, {"traplist", silent}, {"blacklist", listed}, {"greylist", silent}, {"tarpit", tarpit}});
    auto config = std::make_shared<SmtpConfig>();
    config->name = "mx.example.org";
    SessionRules rules;
    rules.config = std::move(config);
    rules.clock = &clock_;
    rules_ = std::make_shared<const SessionRules>(std::move(rules));
    sessions_.reserve(kSessions);
    before_ = live_bytes();
    for (std::size_t i = 0; i < kSessions; ++i) {
      Session known;
      known.client = or_throw(Address::parse("192.0.2.7"));
      known.front_end = "smtp";
      sessions_.push_back(std::make_unique<SmtpSession>(rules_, open_, std::move(known), log_));
      settle(*sessions_.back(), sessions_.back()->greet());
    }
  }

  static void settle(SmtpSession& session, Step step) {
    while (step.ask) step = session.answer();
    ASSERT_TRUE(session.held());
  }
  void say(std::string_view text) {
    for (const auto& session : sessions_) settle(*session, session->line({.text = text}));
  }
  std::size_t bytes_each() {
    log_.clear();
    return (live_bytes() - before_) / kSessions;
  }

 private:
  OpenDialogue open_ = [this](Session known, Voice voice) { return pipeline_.open(std::move(known), voice); };
  std::shared_ptr<const SessionRules> rules_;
  std::vector<std::unique_ptr<SmtpSession>> sessions_;
  std::size_t before_ = 0;
};

// DESIGN: 1 KiB in all, and the connection wants its share. (Decisions on recipients go on record: those are not counted here.)
TEST_F(SessionMemoryTest, OfAHeldClientThatWaitsIsSmall) {
  EXPECT_LE(bytes_each(), 640u) << "while it reads the banner";
  say("EHLO client.example.org");
  EXPECT_LE(bytes_each(), 704u) << "after EHLO";
  say("MAIL FROM:<someone@example.org> SIZE=1000");
  EXPECT_LE(bytes_each(), 1024u) << "within a transaction";
  say("DATA");
  EXPECT_LE(bytes_each(), 704u) << "while its message is read";
}

}  // namespace
}  // namespace deferd::smtp
