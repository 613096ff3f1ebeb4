#include "envelope.h"

#include <gtest/gtest.h>

#include <vector>

namespace deferd::greylist {
namespace {

struct Sample {
  const char* raw;
  const char* folded;
};
void PrintTo(const Sample& sample, std::ostream* out) { *out << sample.raw; }

class Senders : public ::testing::TestWithParam<Sample> {};

TEST_P(Senders, AreFolded) { EXPECT_EQ(fold_sender(GetParam().raw), GetParam().folded); }
TEST_P(Senders, AreFoldedOnceForAll) { EXPECT_EQ(fold_sender(fold_sender(GetParam().raw)), GetParam().folded); }

const std::vector<Sample> kSenders = {
    // plain
    {"", ""},
    {"a@example.org", "a@example.org"},
    {"Alice.Smith@Example.ORG", "alice.smith@example.org"},
    {"a@example.org.", "a@example.org"},
    {"@relay.example,@other.example:a@example.org", "a@example.org"},
    {"postmaster", "postmaster"},
    {"@", "@"},
    {"a@", "a@"},
    {"\"john doe\"@example.org", "\"john doe\"@example.org"},
    {"\"a@b\"@example.org", "\"a@b\"@example.org"},
    {"user@[192.0.2.7]", "user@[192.0.2.7]"},
    {"user@em123.example.org", "user@em123.example.org"},
    {"a\tb@example.org", "a?b@example.org"},
    // people keep their numbers, unless these are all there is between separators
    {"bob1@example.org", "bob1@example.org"},
    {"bob2000@example.org", "bob2000@example.org"},
    {"christopher1985@example.org", "christopher1985@example.org"},
    {"r2d2@example.org", "r2d2@example.org"},
    {"facade2000@example.org", "facade2000@example.org"},
    {"bob-2@example.org", "bob-#@example.org"},
    // plus
    {"alice+shop@example.org", "alice@example.org"},
    {"+alice@example.org", "+alice@example.org"},
    {"+alice+shop@example.org", "+alice@example.org"},
    {"user+caf_=fwd=example.net@gmail.com", "user@gmail.com"},
    {"list+bncBCX5ZJ7TUQBBXMF2@googlegroups.com", "list@googlegroups.com"},
    {"bounces+SRS=8Gk2v=2T=example.org=bob@example.com", "bounces@example.com"},
    // VERP
    {"list-bounces+user=example.net@lists.example.org", "list-bounces@lists.example.org"},
    {"list-return-1234-user=example.net@example.org", "list-return-#-user=example.net@example.org"},
    {"owner-list-17-user=example.net@example.org", "owner-list-#-user=example.net@example.org"},
    {"bounces+12345-6789-user=example.net@em.sendgrid.example", "bounces@em.sendgrid.example"},
    {"bounce-mc.us1_1234567.987654-0a1b2c3d4e@mail.example", "bounce-mc.us1_#.#-#@mail.example"},
    {"0100018c2d3f4a5b-6c7d8e9f-1a2b-3c4d-5e6f-708192a3b4c5-000000@amazonses.example",
     "#-#-1a2b-3c4d-5e6f-#-#@amazonses.example"},
    {"msprvs1=19345abcd=bounces-123456@example.org", "bounces-#@example.org"},
    {"bounce_20261120_998877@example.org", "bounce_#_#@example.org"},
    {"msg12345@example.org", "msg#@example.org"},
    {"k3j5h7x9qwer@example.org", "#@example.org"},
    {"return.deadbeef01cafe99@example.org", "return.#@example.org"},
    // BATV
    {"prvs=4105abcdef=bob@example.org", "bob@example.org"},
    {"PRVS=4105ABCDEF=Bob@example.org", "bob@example.org"},
    {"prvs=bob/4105abcdef@example.org", "bob@example.org"},
    {"btv1==4105abcdef==bob@example.org", "bob@example.org"},
    {"prvs=4105abcdef=bob+tag@example.org", "bob@example.org"},
    {"prvs=4105abcdef=prvs=5105abcdef=bob@example.org", "bob@example.org"},
    {"prvs=@example.org", "prvs=@example.org"},
    {"prvs=x@example.org", "prvs=x@example.org"},
    {"prvs==bob@example.org", "prvs==bob@example.org"},
    {"btv1==@example.org", "btv1==@example.org"},
    // SRS
    {"SRS0=HHH=TT=example.org=bob@forwarder.example", "srs=example.org=bob@forwarder.example"},
    {"SRS0=ab12=9Z=example.org=bob@forwarder.example", "srs=example.org=bob@forwarder.example"},
    {"SRS0+HHH=TT=example.org=bob@forwarder.example", "srs=example.org=bob@forwarder.example"},
    {"SRS0-HHH=TT=example.org=bob=x@forwarder.example", "srs=example.org=bob=x@forwarder.example"},
    {"SRS1=HHH=hop.example==HHH=TT=example.org=bob@second.example", "srs=hop.example=example.org=bob@second.example"},
    {"SRS1+HHH=hop.example=+HHH=TT=example.org=bob@second.example", "srs=hop.example=example.org=bob@second.example"},
    {"prvs=4105abcdef=SRS0=HHH=TT=example.org=bob@forwarder.example", "srs=example.org=bob@forwarder.example"},
    {"SRS0=HHH@forwarder.example", "srs0=hhh@forwarder.example"},
    {"SRS0=HHH=TT=example.org@forwarder.example", "srs0=hhh=tt=example.org@forwarder.example"},
    {"srs0bob@example.org", "srs0bob@example.org"},
    {"SRS1=HHH=hop.example@second.example", "srs1=hhh=hop.example@second.example"},
    // what is stripped may hide a source route
    {"prvs=x=@relay:a@example.org", "a@example.org"},
};
INSTANTIATE_TEST_SUITE_P(Envelope, Senders, ::testing::ValuesIn(kSenders));

TEST(Envelope, TriesOfOneMailFoldAlike) {
  EXPECT_EQ(fold_sender("bounce-1-0a1b2c3d4e5f@example.org"), fold_sender("bounce-2-9f8e7d6c5b4a@example.org"));
  EXPECT_EQ(fold_sender("SRS0=abcd=X1=example.org=bob@f.example"), fold_sender("SRS0=efgh=X2=example.org=bob@f.example"));
  EXPECT_EQ(fold_sender("prvs=1111aaaaaa=bob@example.org"), fold_sender("prvs=2222bbbbbb=bob@example.org"));
}

TEST(Envelope, DifferentSendersStayDifferent) {
  EXPECT_NE(fold_sender("alice@example.org"), fold_sender("bob@example.org"));
  EXPECT_NE(fold_sender("alice@example.org"), fold_sender("alice@example.net"));
  EXPECT_NE(fold_sender("SRS0=a=b=one.example=bob@f.example"), fold_sender("SRS0=a=b=two.example=bob@f.example"));
}

TEST(Envelope, RecipientsKeepAllButCase) {
  EXPECT_EQ(fold_recipient("Bob+Tag-12345@Example.NET"), "bob+tag-12345@example.net");
  EXPECT_EQ(fold_recipient("prvs=4105abcdef=bob@example.net"), "prvs=4105abcdef=bob@example.net");
  EXPECT_EQ(fold_recipient("@relay:bob@example.net."), "bob@example.net");
}

TEST(Envelope, LongAddressesAreBoundedAndStayDifferent) {
  const std::string x(4000, 'x');
  const auto one = fold_sender(x + "one@example.org");
  EXPECT_EQ(one.size(), kFoldedMax);
  EXPECT_NE(one, fold_sender(x + "two@example.org"));
  EXPECT_EQ(fold_sender(one), one);
  EXPECT_EQ(keep_bytes(x).size(), kFoldedMax);
}

TEST(Envelope, DomainsOfSenders) {
  EXPECT_EQ(sender_domain("a@Example.ORG."), "example.org");
  EXPECT_EQ(sender_domain("SRS0=HHH=TT=example.org=bob@forwarder.example"), "forwarder.example");
  EXPECT_EQ(sender_domain(""), "");
  EXPECT_EQ(sender_domain("postmaster"), "");
}

TEST(Envelope, KeptBytesKeepCaseAndBrackets) {
  EXPECT_EQ(keep_bytes("<Bob@Example.org>"), "<Bob@Example.org>");
  EXPECT_EQ(keep_bytes("a\nb"), "a?b");
}

}  // namespace
}  // namespace deferd::greylist
