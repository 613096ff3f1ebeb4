// Walking SPF records by real DNS packets, and the command that prints what was found.
#include "ctl/spf_dns.h"

#include <gmock/gmock.h>

#include <sstream>

#include "ctl/cli.h"
#include "ctl/dns_server.h"
#include "ctl/exit_code.h"

namespace deferd::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class SpfCommandTest : public ::testing::Test {
 protected:
  int run(std::vector<std::string> words) {
    words.insert(words.begin(), {"spf", "walk", "--server", dns.where()});
    std::ostringstream out_stream, err_stream;
    const int code = ctl::run(std::move(words), {out_stream, err_stream, 0});
    out = out_stream.str();
    err = err_stream.str();
    return code;
  }
  std::unique_ptr<spf::DnsResolver> resolver() { return std::move(*spf::DnsResolver::make(dns.where())); }

  testing::DnsServer dns;
  std::string out, err;
};

TEST_F(SpfCommandTest, AsksForEveryKindOfRecord) {
  dns.txt("example.org", "v=spf1 -all");
  dns.txt("example.org", "another");
  dns.address("mail.example.org", "192.0.2.1");
  dns.address("mail.example.org", "192.0.2.2");
  dns.address("mail.example.org", "2001:db8::1");
  dns.mx("example.org", "mail.example.org");
  const auto ask = resolver();
  EXPECT_THAT(*ask->texts("example.org"), UnorderedElementsAre("v=spf1 -all", "another"));
  EXPECT_THAT(*ask->exchangers("example.org"), ElementsAre("mail.example.org"));
  EXPECT_THAT(*ask->addresses("mail.example.org"),
              UnorderedElementsAre(*Address::parse("192.0.2.1"), *Address::parse("192.0.2.2"), *Address::parse("2001:db8::1")));
}

TEST_F(SpfCommandTest, FindsNothingWhereThereIsNothing) {
  dns.address("mail.example.org", "192.0.2.1");
  const auto ask = resolver();
  EXPECT_THAT(*ask->texts("example.org"), IsEmpty());
  EXPECT_THAT(*ask->texts("mail.example.org"), IsEmpty());
  EXPECT_THAT(*ask->exchangers("mail.example.org"), IsEmpty());
  EXPECT_THAT(*ask->addresses("..bad..name"), IsEmpty());
}

TEST_F(SpfCommandTest, JoinsPiecesAndReadsLongRecordsByTcp) {
  std::string record = "v=spf1";
  for (int i = 0; i < 60; ++i) record += " ip4:192.0.2." + std::to_string(2 * i);
  dns.txt("example.org", record + " -all");
  EXPECT_EQ(run({"example.org"}), kOk) << err;
  EXPECT_THAT(out, HasSubstr("\n192.0.2.118\n"));
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 61);
}

TEST_F(SpfCommandTest, PrintsAFileForExemptClients) {
  dns.txt("example.org", "v=spf1 include:_spf.example.net a mx ptr ~all");
  dns.txt("_spf.example.net", "v=spf1 ip4:198.51.100.0/24 ip6:2001:db8::/32 ?all");
  dns.address("example.org", "192.0.2.1");
  dns.mx("example.org", "mail.example.org");
  dns.address("mail.example.org", "192.0.2.2");
  dns.txt("example.net", "v=spf1 ip4:203.0.113.7 -all");
  EXPECT_EQ(run({"example.org", "example.net"}), kOk) << err;
  EXPECT_EQ(out,
            "# example.org, by its SPF record\n"
            "# example.org: ptr depends on the mail\n"
            "192.0.2.1\n192.0.2.2\n198.51.100.0/24\n2001:db8::/32\n"
            "# example.net, by its SPF record\n"
            "203.0.113.7\n");
}

TEST_F(SpfCommandTest, PrintsRowsForPrograms) {
  dns.txt("example.org", "v=spf1 ip4:203.0.113.7 ptr -all");
  EXPECT_EQ(run({"example.org", "--json"}), kOk) << err;
  EXPECT_EQ(out, R"({"domain":"example.org","note":"example.org: ptr depends on the mail"})"
                 "\n"
                 R"({"domain":"example.org","prefix":"203.0.113.7"})"
                 "\n");
}

TEST_F(SpfCommandTest, FailsWhenADomainHasNoRecordAndPrintsTheOthers) {
  dns.txt("example.net", "v=spf1 ip4:203.0.113.7 -all");
  EXPECT_EQ(run({"example.org", "example.net"}), kNothing);
  EXPECT_THAT(out, HasSubstr("# example.org: example.org has no SPF record\n"));
  EXPECT_THAT(out, HasSubstr("\n203.0.113.7\n"));
  EXPECT_EQ(err, "deferctl: no SPF record that could be followed: example.org\n");
}

TEST_F(SpfCommandTest, SaysThatDnsFailed) {
  dns.txt("example.org", "v=spf1 ip4:203.0.113.7 include:_spf.example.net -all");
  dns.fail("_spf.example.net");
  EXPECT_EQ(run({"example.org"}), kTryAgain);
  EXPECT_THAT(out, HasSubstr("203.0.113.7\n"));
  EXPECT_THAT(err, HasSubstr("not all is listed of example.org"));
}

TEST_F(SpfCommandTest, ARecordCannotActOnTheTerminal) {
  dns.txt("example.org", "v=spf1 \x1b[2J\n0.0.0.0/0 -all");
  EXPECT_EQ(run({"example.org"}), kNothing);
  EXPECT_EQ(out.find('\x1b'), std::string::npos) << out;
  EXPECT_EQ(out.find("\n0.0.0.0"), std::string::npos) << "a note is one line: " << out;
}

TEST_F(SpfCommandTest, RefusesWhatIsNoServer) {
  for (const char* server :
       {"example.org", "192.0.2.1:", "192.0.2.1:x", "[2001:db8::1]", "2001:db8::1:53x", "192.0.2.1:53,192.0.2.2"})
    EXPECT_FALSE(spf::DnsResolver::make(server)) << server;
  for (const char* server : {"", "192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:5353"})
    EXPECT_TRUE(spf::DnsResolver::make(server)) << server;
}

}  // namespace
}  // namespace deferd::ctl
