#include "smtp/mta_probe.h"

#include <gmock/gmock.h>

#include <condition_variable>
#include <mutex>

#include "deferd/testing/fake_log.h"
#include "smtp/fake_mta.h"

namespace deferd::smtp {
namespace {

using Kind = MtaState::Kind;
using With = HandoverConfig::With;
using Outcome = MtaResult::Outcome;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A probe of `to`, and what it says.
class Probing {
 public:
  explicit Probing(const std::string& to, With with = With::proxy_v2)
      : probe_(config(to, with), "mx.example.org", log, [this](const MtaState& state) {
          const std::lock_guard lock(mutex_);
          told_ = state;
          changed_.notify_all();
        }) {}

  /// Waits until the probe has told such a state; what it told last, if that takes too long.
  MtaState wait_for(Kind kind) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return told_.kind == kind; });
    return told_;
  }
  MtaState first() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return told_.kind != Kind::unknown; });
    return told_;
  }
  MtaProbe& probe() { return probe_; }

  FakeLog log;

 private:
  static HandoverConfig config(const std::string& to, With with) {
    HandoverConfig config;
    config.to = to;
    config.with = with;
    return config;
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  MtaState told_;
  MtaProbe probe_;  // last: it calls back
};

TEST(MtaProbe, LearnsWhatMayBeOffered) {
  FakeMta mta(play_mta);
  Probing probing(mta.address());
  EXPECT_EQ(probing.first().kind, Kind::ready) << probing.first().why;
  EXPECT_THAT(probing.first().extensions, ElementsAre("SIZE 1000", "8BITMIME"));
  EXPECT_TRUE(probing.probe().state()->ready());
  EXPECT_TRUE(probing.log.contains("notice smtp.handover_ready"));
}

TEST(MtaProbe, ComesAsAStrangerWithAForeignRecipient) {
  std::string header;
  std::vector<std::string> lines;
  {
    FakeMta mta([&](FakeMtaClient& client) {
      header = client.header();
      client.say("220 fake\r\n");
      for (const char* reply : {"250 fake\r\n", "250 ok\r\n", "554 no\r\n", "221 bye\r\n"}) {
        lines.push_back(client.line());
        client.say(reply);
      }
    });
    Probing probing(mta.address());
    EXPECT_EQ(probing.first().kind, Kind::ready);
  }
  ASSERT_EQ(header.size(), 28u);
  EXPECT_EQ(header.substr(16, 4), std::string("\xC0\x00\x02\x19", 4));
  EXPECT_THAT(lines, ElementsAre("EHLO mx.example.org", "MAIL FROM:<>", "RCPT TO:<probe@relay-test.invalid>", "QUIT"));
}

TEST(MtaProbe, RefusesAnMtaThatSpeaksBeforeTheHeader) {
  FakeMta mta([](FakeMtaClient& client) {
    client.say("220 fake ESMTP\r\n");
    client.rest();
  });
  Probing probing(mta.address());
  const auto state = probing.first();
  EXPECT_EQ(state.kind, Kind::unsafe);
  EXPECT_THAT(state.why, HasSubstr("before it was sent a PROXY header"));
  EXPECT_THAT(state.remedy, HasSubstr("smtpd_upstream_proxy_protocol=haproxy"));
  EXPECT_TRUE(probing.log.contains("error smtp.handover_unsafe"));
}

TEST(MtaProbe, RefusesAnMtaThatTakesTheHeaderForCommands) {
  // It greets late, so that only its replies to the header's lines tell.
  FakeMta mta([](FakeMtaClient& client) {
    client.header();
    client.say("220 fake ESMTP\r\n500 bad syntax\r\n500 bad syntax\r\n500 bad syntax\r\n221 bye\r\n");
    client.rest();
  });
  Probing probing(mta.address());
  const auto state = probing.first();
  EXPECT_EQ(state.kind, Kind::unsafe);
  EXPECT_THAT(state.why, HasSubstr("takes the PROXY header for commands"));
}

TEST(MtaProbe, RefusesAnOpenRelay) {
  FakeMta mta([](FakeMtaClient& client) {
    client.header();
    client.say("220 fake\r\n");
    while (!client.line().empty()) client.say("250 ok\r\n");
  });
  Probing probing(mta.address());
  const auto state = probing.first();
  EXPECT_EQ(state.kind, Kind::unsafe);
  EXPECT_THAT(state.why, HasSubstr("would relay for strangers"));
  EXPECT_THAT(state.remedy, HasSubstr("mynetworks"));
}

TEST(MtaProbe, RefusesAnMtaThatOffersNoXclient) {
  FakeMta mta([](FakeMtaClient& client) {
    client.say("220 fake\r\n");
    while (!client.line().empty()) client.say("250-fake\r\n250 SIZE\r\n");
  });
  Probing probing(mta.address(), With::xclient);
  const auto state = probing.first();
  EXPECT_EQ(state.kind, Kind::unsafe);
  EXPECT_THAT(state.remedy, HasSubstr("smtpd_authorized_xclient_hosts"));
}

TEST(MtaProbe, RefusesAnMtaThatLetsStrangersClaimAddresses) {
  FakeMta mta([](FakeMtaClient& client) {
    client.say("220 fake\r\n");
    for (std::string line; !(line = client.line()).empty();) {
      if (line.starts_with("XCLIENT"))
        client.say("220 fake\r\n");
      else if (line.starts_with("RCPT"))
        client.say("554 no\r\n");
      else
        client.say("250-fake\r\n250 XCLIENT ADDR NAME\r\n");
    }
  });
  Probing probing(mta.address(), With::xclient);
  const auto state = probing.first();
  EXPECT_EQ(state.kind, Kind::unsafe);
  EXPECT_THAT(state.why, HasSubstr("claim any address"));
}

TEST(MtaProbe, FindsAnMtaThatComesUpLater) {
  const auto port = FakeMta::free_port();
  Probing probing("127.0.0.1:" + std::to_string(port));
  EXPECT_EQ(probing.first().kind, Kind::down);
  EXPECT_TRUE(probing.log.contains("warning smtp.handover_off"));
  FakeMta mta(play_mta, port);
  probing.probe().doubt();
  EXPECT_EQ(probing.wait_for(Kind::ready).kind, Kind::ready);
}

TEST(MtaProbe, LogsOnlyChanges) {
  const auto port = FakeMta::free_port();
  std::atomic<int> probes = 0;
  FakeMta mta(
      [&](FakeMtaClient& client) {
        ++probes;
        client.header();
        client.say("421 busy\r\n");
      },
      port);
  Probing probing("127.0.0.1:" + std::to_string(port));
  EXPECT_EQ(probing.first().kind, Kind::down);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (probes < 2 && std::chrono::steady_clock::now() < until) probing.probe().doubt();
  EXPECT_GE(probes, 2);
  EXPECT_EQ(probing.log.count("smtp.handover_off"), 1u);
}

TEST(MtaProbe, EndsInTheMiddleOfAProbe) {
  std::atomic<bool> came = false;
  FakeMta mta([&](FakeMtaClient& client) {
    client.header();
    came = true;
    client.rest();
  });
  const auto probing = std::make_unique<Probing>(mta.address());
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!came && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_TRUE(came);
}

struct Judgement {
  Outcome outcome;
  MtaStage stage;
  int code;
  With with;
  Kind kind;
};

TEST(MtaProbe, JudgesHowADialogueEnded) {
  const Judgement judgements[] = {
      {Outcome::ended, MtaStage::connect, 0, With::proxy_v2, Kind::down},
      {Outcome::late, MtaStage::banner, 0, With::proxy_v2, Kind::down},
      {Outcome::refused, MtaStage::banner, 421, With::proxy_v2, Kind::down},
      {Outcome::refused, MtaStage::ehlo, 421, With::proxy_v2, Kind::down},
      {Outcome::refused, MtaStage::ehlo, 500, With::proxy_v2, Kind::unsafe},
      {Outcome::refused, MtaStage::xclient, 550, With::xclient, Kind::unsafe},
      {Outcome::refused, MtaStage::mail, 451, With::proxy_v2, Kind::down},
      {Outcome::answered, MtaStage::mail, 550, With::proxy_v2, Kind::down},
      {Outcome::answered, MtaStage::rcpt, 554, With::proxy_v2, Kind::ready},
      {Outcome::answered, MtaStage::rcpt, 450, With::proxy_v2, Kind::ready},
      {Outcome::answered, MtaStage::rcpt, 250, With::proxy_v2, Kind::unsafe},
      {Outcome::answered, MtaStage::rcpt, 251, With::xclient, Kind::unsafe},
  };
  for (const auto& judgement : judgements) {
    MtaResult result;
    result.outcome = judgement.outcome;
    result.stage = judgement.stage;
    result.code = judgement.code;
    const auto state = judge(result, judgement.with);
    EXPECT_EQ(state.kind, judgement.kind) << to_string(judgement.stage) << " " << judgement.code;
    EXPECT_EQ(state.remedy.empty(), state.kind != Kind::unsafe);
  }
}

}  // namespace
}  // namespace deferd::smtp
