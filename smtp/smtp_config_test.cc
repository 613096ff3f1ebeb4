#include "smtp/smtp_config.h"

#include <gtest/gtest.h>

#include "config/yaml.h"

namespace deferd::smtp {
namespace {

struct Outcome {
  SmtpConfig config;
  std::string problems;
};

Outcome read(std::string_view yaml) {
  Problems problems;
  const auto value = parse_yaml(yaml, problems);
  Outcome outcome;
  if (value) outcome.config = SmtpConfig::schema().read(*value, problems, "smtp");
  outcome.problems = problems.to_string("f");
  return outcome;
}

std::string problems(std::string_view yaml) { return read(yaml).problems; }

TEST(SmtpConfig, NothingNeedsToBeSet) {
  EXPECT_EQ(problems("{}"), "");
  EXPECT_EQ(read("{}").config.limits.total, 15'000);
}

TEST(SmtpConfig, TheVoiceFollowsHandOverUnlessGiven) {
  EXPECT_EQ(read("{}").config.voiced(), Voice::data);
  EXPECT_EQ(read("handover: {to: '127.0.0.1:10025'}").config.voiced(), Voice::rcpt);
  EXPECT_EQ(read("{voice: data, handover: {to: '127.0.0.1:10025'}}").config.voiced(), Voice::data);
  EXPECT_EQ(read("voice: connect").config.voiced(), Voice::connect);
}

TEST(SmtpConfig, CertificateAndKeyComeTogether) {
  EXPECT_EQ(problems("tls: {certificate: a.pem, key: b.pem}"), "");
  EXPECT_EQ(problems("tls: {certificate: a.pem}"), "f:1:6: smtp.tls: certificate and key belong together: key is missing\n");
  EXPECT_EQ(problems("tls: {key: a.pem}"), "f:1:6: smtp.tls: certificate and key belong together: certificate is missing\n");
  EXPECT_NE(problems("tls: {client_ca: a.pem}"), "");
}

TEST(SmtpConfig, TlsIsAtLeast12) {
  EXPECT_EQ(read("tls: {minimum: 1.3}").config.tls.minimum, TlsVersion::v1_3);
  EXPECT_EQ(problems("tls: {minimum: 1.1}"), "f:1:16: smtp.tls.minimum: '1.1' is none of 1.2 | 1.3\n");
}

TEST(SmtpConfig, NoLimitThatIsGivenIsAboveTheTotal) {
  EXPECT_EQ(problems("limits: {total: 800, kept: 700}"), "");
  EXPECT_EQ(problems("limits: {total: 50}"), "") << "the other defaults bound nothing then";
  EXPECT_EQ(problems("limits: {total: 800, kept: 801}"), "f:1:28: smtp.limits.kept: 801 is more than total (800)\n");
  EXPECT_EQ(problems("limits: {tls: 15001}"), "f:1:15: smtp.limits.tls: 15001 is more than total (15000)\n");
  EXPECT_NE(problems("limits: {total: 0}"), "");
}

TEST(SmtpConfig, ASessionLastsLongerThanALine) {
  EXPECT_EQ(problems("limits: {idle: 10m, session: 5m}"),
            "f:1:16: smtp.limits: idle (10m) must not be longer than session (5m)\n");
}

TEST(SmtpConfig, TextsAreCheckedWhereTheyStand) {
  EXPECT_EQ(read("texts: {banner: '%h ESMTP %n; %d'}").config.texts.banner, "%h ESMTP %n; %d");
  EXPECT_EQ(problems("texts: {later: try %s, goodbye: 100%}"),
            "f:1:16: smtp.texts.later: '%s' stands for nothing; there are %h %n %A %d, and %% for a percent sign\n"
            "f:1:33: smtp.texts.goodbye: '%' stands for nothing; there are %h %n %A %d, and %% for a percent sign\n");
  EXPECT_NE(problems("texts: {busy: \"two\\nlines\"}"), "");
  EXPECT_NE(problems("product: \"two\\nlines\""), "");
}

TEST(SmtpConfig, HandsOverToWhatCanBeReached) {
  for (const char* right : {"127.0.0.1:25", "'[::1]:25'", "localhost:25", "unix:/run/mta.sock"})
    EXPECT_EQ(problems(std::string("handover: {to: ") + right + "}"), "") << right;
  for (const char* wrong : {"mx", "127.0.0.1:0", "'*:25'", "'::1:25'"})
    EXPECT_NE(problems(std::string("handover: {to: ") + wrong + "}"), "") << wrong;
  EXPECT_EQ(read("handover: {with: xclient}").config.handover.with, HandoverConfig::With::xclient);
}

TEST(SmtpConfig, WarnsOfBalancersThatAreEverybody) {
  EXPECT_EQ(problems("proxy_from: [10.0.0.0/8, '::/0']"),
            "f:1:26: warning: smtp.proxy_from[1]: everybody may claim to be any client; name your balancers alone\n");
}

TEST(SmtpConfig, TheNameIsAHostName) {
  EXPECT_EQ(problems("name: mx.example.org"), "");
  EXPECT_EQ(problems("name: two words"), "f:1:1: smtp: name: 'two words' is no host name\n");
}

}  // namespace
}  // namespace deferd::smtp
