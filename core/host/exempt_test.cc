#include "host/exempt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "config/yaml.h"

namespace deferd {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

struct Read {
  ExemptConfig config;
  Problems problems;
};

Read read(const std::string& yaml) {
  Read result;
  if (const auto value = parse_yaml(yaml, result.problems)) result.config = ExemptConfig::schema().read(*value, result.problems);
  return result;
}

std::string complaint(const std::string& yaml) { return read(yaml).problems.to_string("conf"); }

class ListFile {
 public:
  explicit ListFile(std::string_view content) {
    std::string name = (std::filesystem::temp_directory_path() / "deferd-exempt-XXXXXX").string();
    if (const int descriptor = ::mkstemp(name.data()); descriptor >= 0) ::close(descriptor);
    std::ofstream(name) << content;
    path = name;
  }
  ~ListFile() { std::filesystem::remove(path); }
  ListFile(const ListFile&) = delete;
  ListFile& operator=(const ListFile&) = delete;
  std::string path;
};

class ExemptTest : public testing::Test {
 protected:
  ExemptTest() { from("203.0.113.7"); }

  void use(const std::string& yaml) {
    auto [config, problems] = read(yaml);
    ASSERT_THAT(problems.list(), IsEmpty()) << problems.to_string("conf");
    exempt = Exempt::build(config, problems);
    ASSERT_THAT(problems.list(), IsEmpty()) << problems.to_string("conf");
  }
  void from(std::string_view address, std::string name = {}) {
    session.client = *Address::parse(address);
    session.client_name = std::move(name);
  }
  /// Empty if not exempt.
  std::string reason() const { return exempt->reason(session).value_or(""); }

  Session session;
  std::shared_ptr<const Exempt> exempt;
};

TEST_F(ExemptTest, AStrangerIsNot) {
  use("{}");
  session.helo = "localhost";
  session.tls = true;
  EXPECT_EQ(reason(), "");
}

TEST_F(ExemptTest, ThisMachineIsByDefault) {
  use("{}");
  from("127.0.0.1");
  EXPECT_EQ(reason(), "own network 127.0.0.0/8");
  from("127.255.255.255");
  EXPECT_EQ(reason(), "own network 127.0.0.0/8");
  from("::1");
  EXPECT_EQ(reason(), "own network ::1");
  from("::ffff:127.0.0.1");
  EXPECT_EQ(reason(), "own network 127.0.0.0/8");
  from("::2");
  EXPECT_EQ(reason(), "");
}

TEST_F(ExemptTest, NoNetworksMeansNobodyByAddress) {
  use("{networks: []}");
  for (const char* address : {"127.0.0.1", "::1", "10.0.0.1"}) {
    from(address);
    EXPECT_EQ(reason(), "") << address;
  }
}

TEST_F(ExemptTest, GivenNetworksReplaceTheDefault) {
  use("{networks: [192.0.2.0/24, '2001:db8::/32']}");
  from("192.0.2.200");
  EXPECT_EQ(reason(), "own network 192.0.2.0/24");
  from("2001:db8:ffff::1");
  EXPECT_EQ(reason(), "own network 2001:db8::/32");
  from("127.0.0.1");
  EXPECT_EQ(reason(), "");
}

TEST_F(ExemptTest, TellsWhoIsByAddressAlone) {
  const ListFile file("203.0.113.7 # a customer's\nexample.org\n198.51.100\n");
  use("{networks: [192.0.2.0/25], own_mx: [192.0.2.128/25, mx.example.org], relays: ['2001:db8::1'], files: [" + file.path +
      "]}");
  std::string all;
  for (const Prefix& prefix : *exempt->addresses()) all += prefix.to_string() + ' ';
  EXPECT_EQ(all, "192.0.2.0/24 198.51.100.0/24 203.0.113.7 2001:db8::1 ");
}

TEST_F(ExemptTest, WhoHasLoggedInIs) {
  use("{networks: []}");
  session.auth = "alice";
  EXPECT_EQ(reason(), "authenticated as alice");
  use("{authenticated: no}");
  EXPECT_EQ(reason(), "");
}

TEST_F(ExemptTest, AVerifiedCertificateIsEncryptionAloneIsNot) {
  use("{networks: []}");
  session.tls = true;
  EXPECT_EQ(reason(), "");
  session.tls_subject = "CN=mx.partner.example";
  EXPECT_EQ(reason(), "verified certificate of CN=mx.partner.example");
  use("{certificates: no}");
  EXPECT_EQ(reason(), "");
}

TEST_F(ExemptTest, OwnMxAndRelaysAreAddressesPrefixesAndNames) {
  use("{own_mx: [192.0.2.25, mx.example.org], relays: ['2001:db8:5::/48', .relay.example, '/^fwd\\d\\./']}");
  from("192.0.2.25");
  EXPECT_EQ(reason(), "own mx 192.0.2.25");
  from("203.0.113.7", "MX.example.org");
  EXPECT_EQ(reason(), "own mx mx.example.org");
  from("2001:db8:5::1");
  EXPECT_EQ(reason(), "relay 2001:db8:5::/48");
  from("203.0.113.7", "a.relay.example");
  EXPECT_EQ(reason(), "relay .relay.example");
  from("203.0.113.7", "fwd1.example.net");
  EXPECT_EQ(reason(), "relay /^fwd\\d\\./");
  from("203.0.113.7", "relay.example");
  EXPECT_EQ(reason(), "");
}

// Anybody can say anything at HELO: only the name that the MTA has verified counts.
TEST_F(ExemptTest, ANameAtHeloDoesNotCount) {
  use("{own_mx: [mx.example.org]}");
  session.helo = "mx.example.org";
  EXPECT_EQ(reason(), "");
}

TEST_F(ExemptTest, FilesArePostgreysOrPlainLists) {
  const ListFile postgrey("# no retry\nnews.example.org\n/^smtp\\d+\\.example\\.com$/\n198.51.100\n"),
      plain("192.0.2.0/24\n2001:db8::1\n");
  use("{files: [" + postgrey.path + ", " + plain.path + "]}");
  from("203.0.113.7", "a.news.example.org");
  EXPECT_EQ(reason(), "listed in " + postgrey.path + ":2");
  from("203.0.113.7", "smtp4.example.com");
  EXPECT_EQ(reason(), "listed in " + postgrey.path + ":3");
  from("198.51.100.9");
  EXPECT_EQ(reason(), "listed in " + postgrey.path + ":4");
  from("192.0.2.9");
  EXPECT_EQ(reason(), "listed in " + plain.path + ":1");
  from("2001:db8::1");
  EXPECT_EQ(reason(), "listed in " + plain.path + ":2");
  from("2001:db8::2");
  EXPECT_EQ(reason(), "");
}

TEST(ExemptConfigTest, WhatIsWrongIsReportedAtItsPlace) {
  EXPECT_THAT(complaint("{networks: [10.0.0.1/8]}"), HasSubstr("conf:1:13: networks[0]: '10.0.0.1/8'"));
  EXPECT_THAT(complaint("{own_mx: [10.0.0.1/8]}"), HasSubstr("conf:1:11: own_mx[0]: '10.0.0.1/8'"));
  EXPECT_THAT(complaint("{relays: [192.0.2.256]}"), HasSubstr("relays[0]: '192.0.2.256': is no address"));
  EXPECT_THAT(complaint("{relays: ['a b']}"), HasSubstr("relays[0]: 'a b': is no domain"));
  EXPECT_THAT(complaint("{own_mxs: []}"), HasSubstr("did you mean 'own_mx'?"));
}

TEST(ExemptConfigTest, FilesAreReadWhenTheConfigurationIsChecked) {
  const ListFile wrong("good.example\nbad entry\n");
  EXPECT_THAT(complaint("{files: [/nonexistent/file]}"), HasSubstr("conf:1:10: files: /nonexistent/file: cannot be read"));
  EXPECT_THAT(complaint("{files: [" + wrong.path + "]}"), HasSubstr(wrong.path + ":2: 'bad entry'"));
}

TEST(ExemptConfigTest, AFileThatIsGoneSinceTheCheckBuildsNothing) {
  ExemptConfig config;
  config.files = {"/nonexistent/file"};
  Problems problems;
  EXPECT_EQ(Exempt::build(config, problems), nullptr);
  EXPECT_THAT(problems.to_string("conf"), HasSubstr("exempt.files: /nonexistent/file: cannot be read"));
}

}  // namespace
}  // namespace deferd
