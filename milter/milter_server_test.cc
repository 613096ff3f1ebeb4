// The server, spoken to as an MTA does.
#include "milter/milter_server_fixture.h"

namespace deferd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

enum : std::uint32_t {  // SMFIP_
  kNoBody = 0x10,
  kNoHeaders = 0x20,
  kNoEoh = 0x40,
  kNrHeader = 0x80,
  kNoUnknown = 0x100,
  kNoData = 0x200,
  kRcptRejected = 0x800,
  kNrConnect = 0x1000,
  kNrHelo = 0x2000,
  kNrMail = 0x4000,
  kNrRcpt = 0x8000,
};
constexpr std::uint32_t kSetSymList = 0x100;
constexpr std::uint32_t kConnectStage = 0;

TEST_F(MilterServerTest, NegotiatesOnlyWhatItNeeds) {
  serve();
  MilterClient mta(socket);
  mta.negotiate();
  EXPECT_EQ(mta.version(), 6u);
  EXPECT_EQ(mta.steps(), kNoBody | kNoHeaders | kNoEoh | kNrHeader | kNoUnknown | kNoData | kNrConnect | kNrHelo | kNrMail);
}

TEST_F(MilterServerTest, NegotiatesHeadersAndDataForPluginsThatWantThem) {
  script.hooks = hook::headers | hook::data;
  serve();
  MilterClient mta(socket);
  mta.negotiate();
  EXPECT_EQ(mta.steps() & (kNoHeaders | kNoData), 0u);
}

TEST_F(MilterServerTest, NegotiatesEarlyAnswersForVoiceConnect) {
  config.voice = Voice::connect;
  serve();
  MilterClient mta(socket);
  mta.negotiate();
  EXPECT_EQ(mta.steps() & (kNrConnect | kNrHelo | kNrMail | kNrRcpt | kRcptRejected), 0u);
  EXPECT_EQ(mta.connect("reject.example.org", "192.0.2.7").smtp_code(), 554);
}

TEST_F(MilterServerTest, AsksForTheMacrosItReads) {
  serve();
  MilterClient mta(socket);
  mta.negotiate();
  EXPECT_THAT(mta.macros_wanted(kConnectStage), HasSubstr("{daemon_name}"));
}

TEST_F(MilterServerTest, AsksAnMtaForNothingItDoesNotOffer) {
  serve();
  MilterClient mta(socket);
  mta.negotiate({2, 0x3f, 0x7f});  // checks it, too
  EXPECT_EQ(mta.version(), 2u);
  EXPECT_EQ(mta.actions() & kSetSymList, 0u);
  EXPECT_EQ(mta.connect("mail.example.org", "192.0.2.7").code, 'c');
  EXPECT_EQ(mta.helo("mail.example.org").code, 'c');
  EXPECT_EQ(mta.mail("<a@example.org>").code, 'c');
  EXPECT_EQ(mta.rcpt("<defer@example.net>").smtp_code(), 451);
  EXPECT_EQ(mta.rcpt("<waited@example.net>").code, 'c');
  EXPECT_EQ(mta.message().code, 'c');
  EXPECT_EQ(mta.added_headers().size(), 1u);
}

TEST_F(MilterServerTest, ServesAnMtaThatOffersNoSteps) {
  serve();
  MilterClient mta(socket);
  mta.negotiate({6, 0x1, 0x3f});
  mta.connect("mail.example.org", "192.0.2.7");
  mta.helo("mail.example.org");
  mta.mail("<a@example.org>");
  EXPECT_EQ(mta.rcpt("<b@example.net>").code, 'c');
  EXPECT_EQ(mta.message({{"Subject", "x"}, {"From", "y"}}).code, 'c');
}

TEST_F(MilterServerTest, CarriesADeferralToTheMta) {
  serve();
  MilterClient mta(socket);
  greet(mta);
  mta.mail("<a@example.org>");
  const auto answer = mta.rcpt("<defer@example.net>");
  EXPECT_EQ(answer.code, 'y');
  EXPECT_EQ(answer.text, "451 4.7.1 Come back in 100% of 5 minutes");
  EXPECT_EQ(mta.rcpt("<reject@example.net>").text, "554 5.7.1 No");
  EXPECT_EQ(mta.rcpt("<close@example.net>").smtp_code(), 421);
  EXPECT_EQ(mta.rcpt("<lines@example.net>").text, "450-4.2.0 one\r\n450 4.2.0 two");
  EXPECT_EQ(mta.rcpt("<b@example.net>").code, 'c');
}

TEST_F(MilterServerTest, AddsTheHeaderToDelayedMail) {
  serve();
  MilterClient mta(socket);
  mta.negotiate();
  mta.macros({{"j", "mx.example.net"}});
  mta.connect("mail.example.org", "192.0.2.7");
  mta.mail("<a@example.org>");
  mta.rcpt("<waited@example.net>");
  EXPECT_EQ(mta.message().code, 'c');
  EXPECT_THAT(mta.added_headers(), ElementsAre(testing::Pair("X-Greylist", "delayed 00:07:12 by deferd at mx.example.net")));
}

TEST_F(MilterServerTest, ServesManyMessagesAndClientsOnOneConnection) {
  serve();
  MilterClient mta(socket);
  mta.negotiate();
  for (int client = 0; client < 3; ++client) {
    mta.connect("mail.example.org", "192.0.2." + std::to_string(client));
    mta.helo("mail.example.org");
    for (int message = 0; message < 3; ++message) {
      mta.mail("<a@example.org>");
      EXPECT_EQ(mta.rcpt("<defer@example.net>").smtp_code(), 451);
      if (message == 1) {
        mta.abort();
        continue;
      }
      EXPECT_EQ(mta.rcpt("<b@example.net>").code, 'c');
      EXPECT_EQ(mta.message().code, 'c');
    }
    mta.quit_nc();
    EXPECT_TRUE(calls.come_to("bye"));
  }
}

TEST_F(MilterServerTest, WithVoiceDataDefersTheMessage) {
  config.voice = Voice::data;
  serve();
  MilterClient mta(socket);
  greet(mta);
  mta.mail("<a@example.org>");
  EXPECT_EQ(mta.rcpt("<defer@example.net>").code, 'c');
  EXPECT_EQ(mta.data().smtp_code(), 451);
}

TEST_F(MilterServerTest, PassesMailWhenAPluginsFaultIsThrownAtIt) {
  serve();
  MilterClient mta(socket);
  greet(mta);
  mta.mail("<a@example.org>");
  EXPECT_EQ(mta.rcpt("<throw@example.net>").code, 'c');
  EXPECT_EQ(mta.message().code, 'c');
  EXPECT_TRUE(log.contains("milter.fault at=rcpt"));
}

TEST_F(MilterServerTest, TellsPluginsOfAClientThatJustHangsUp) {
  serve();
  MilterClient mta(socket);
  greet(mta);
  mta.mail("<a@example.org>");
  mta.rcpt("<b@example.net>");
  mta.hang_up();
  EXPECT_TRUE(calls.come_to("bye"));
}

TEST_F(MilterServerTest, SurvivesGarbage) {
  serve();
  const std::string packets[] = {std::string(100, '\xff'), std::string("\0\0\0\0", 4), std::string("\0\0\0\1Z", 5),
                                 "GET / HTTP/1.0\r\n\r\n", std::string("\0\0\0\2O\0", 6)};
  for (const auto& bytes : packets) {
    MilterClient rude(socket);
    rude.send_raw(bytes);
    rude.hang_up();
  }
  for (const char command : std::string_view("ABCDEHKLMNQRTU")) {  // each before any negotiation, and with nonsense after it
    MilterClient rude(socket);
    rude.send_packet(command, "nonsense without an end");
    rude.hang_up();
    MilterClient ruder(socket);
    ruder.negotiate();
    ruder.send_packet(command, "nonsense without an end");
    ruder.hang_up();
    MilterClient rudest(socket);
    greet(rudest);
    rudest.send_packet(command, "");
    rudest.hang_up();
  }
  MilterClient mta(socket);
  greet(mta);
  mta.mail("<a@example.org>");
  EXPECT_EQ(mta.rcpt("<defer@example.net>").smtp_code(), 451);
}

TEST_F(MilterServerTest, HangsUpOnOversizedPackets) {
  serve();
  {
    MilterClient rude(socket);
    greet(rude);
    rude.send_raw(std::string("\x7f\xff\xff\xffM", 5));
    EXPECT_TRUE(rude.hung_up());
  }
  MilterClient mta(socket);
  greet(mta);
  mta.mail("<" + std::string(60000, 'x') + "@example.org>", {std::string(5000, 'y')});
  EXPECT_EQ(mta.rcpt("<defer@example.net>").smtp_code(), 451);
}

}  // namespace
}  // namespace deferd
