#include "ctl/spf_walk.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

namespace deferd::spf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FakeDns final : public Resolver {
 public:
  std::map<std::string, std::vector<std::string>> txt, host, mx;
  std::set<std::string> failing;

  Result<std::vector<std::string>> texts(const std::string& name) override { return find(txt, name); }
  Result<std::vector<std::string>> exchangers(const std::string& name) override { return find(mx, name); }
  Result<std::vector<Address>> addresses(const std::string& name) override {
    const auto found = find(host, name);
    if (!found) return tl::unexpected(found.error());
    std::vector<Address> addresses;
    for (const auto& text : *found) addresses.push_back(*Address::parse(text));
    return addresses;
  }

 private:
  Result<std::vector<std::string>> find(const std::map<std::string, std::vector<std::string>>& records, const std::string& name) {
    if (failing.contains(name)) return fail(Errc::unavailable, "no answer about " + name);
    const auto found = records.find(name);
    if (found == records.end()) return std::vector<std::string>{};
    return found->second;
  }
};

class SpfWalkTest : public ::testing::Test {
 protected:
  std::string walked(const std::string& record) {
    dns.txt["example.org"] = {record};
    return walked();
  }
  std::string walked() {
    result = walk("example.org", dns);
    std::string out;
    for (const auto& prefix : result.authorised) out += (out.empty() ? "" : " ") + prefix.to_string();
    return out;
  }

  FakeDns dns;
  Walk result;
};

TEST_F(SpfWalkTest, ListsNetworksCollapsed) {
  EXPECT_EQ(walked("v=spf1 ip4:192.0.2.0/25 ip4:192.0.2.128/25 ip6:2001:db8::/32 ip4:192.0.2.7 -all"),
            "192.0.2.0/24 2001:db8::/32");
  EXPECT_THAT(result.notes, IsEmpty());
  EXPECT_EQ(result.status, Walk::Status::done);
}

TEST_F(SpfWalkTest, LooksUpHostsAndExchangersWithLengths) {
  dns.host["example.org"] = {"192.0.2.9", "2001:db8::9"};
  dns.host["mx1.example.org"] = {"198.51.100.200"};
  dns.host["mx2.example.org"] = {"203.0.113.5", "2001:db8:1::1"};
  dns.mx["example.org"] = {"mx1.example.org", "mx2.example.org"};
  EXPECT_EQ(walked("v=spf1 a//64 mx/28 -all"), "192.0.2.9 198.51.100.192/28 203.0.113.0/28 2001:db8::/64 2001:db8:1::1");
}

TEST_F(SpfWalkTest, TakesOnlyWhatPassesAndWhatWasNotDecidedBefore) {
  EXPECT_EQ(walked("v=spf1 ~ip4:192.0.2.0/24 ?ip4:198.51.100.1 -ip4:198.51.100.2 ip4:203.0.113.1 ~all"), "203.0.113.1");
  EXPECT_THAT(result.notes, ElementsAre("example.org: ~ip4:192.0.2.0/24 authorises nobody; not listed",
                                        "example.org: ?ip4:198.51.100.1 authorises nobody; not listed",
                                        "example.org: -ip4:198.51.100.2 authorises nobody; not listed"));
  EXPECT_EQ(walked("v=spf1 -ip4:192.0.2.1 ip4:192.0.2.0/31 -all"), "192.0.2.0");
  EXPECT_EQ(walked("v=spf1 ip4:192.0.2.0/31 -ip4:192.0.2.1 -all"), "192.0.2.0/31") << "the first match counts";
  EXPECT_EQ(walked("v=spf1 -ip4:0.0.0.0/0 ip4:192.0.2.1 -all"), "");
}

TEST_F(SpfWalkTest, StopsAtAll) {
  EXPECT_EQ(walked("v=spf1 ip4:192.0.2.1 -all ip4:192.0.2.2 redirect=other.example"), "192.0.2.1");
  EXPECT_THAT(result.notes, IsEmpty());
}

TEST_F(SpfWalkTest, FollowsIncludesAndTakesWhatPassesThere) {
  dns.txt["_spf.example.net"] = {"v=spf1 ip4:192.0.2.1 ~ip4:192.0.2.2 -all"};
  EXPECT_EQ(walked("v=spf1 include:_spf.example.net ip4:192.0.2.9 -all"), "192.0.2.1 192.0.2.9");
  EXPECT_EQ(walked("v=spf1 ?include:_spf.example.net ip4:192.0.2.0/30 -all"), "192.0.2.0 192.0.2.2/31")
      << "whom the include matches is neutral, and decided";
}

TEST_F(SpfWalkTest, FollowsARedirectUnlessThereIsAll) {
  dns.txt["_spf.example.net"] = {"v=spf1 ip4:192.0.2.0/31 -all"};
  EXPECT_EQ(walked("v=spf1 -ip4:192.0.2.1 redirect=_spf.example.net"), "192.0.2.0");
  EXPECT_EQ(walked("v=spf1 redirect=_spf.example.net ip4:198.51.100.1 ~all"), "198.51.100.1");
}

TEST_F(SpfWalkTest, NotesWhatDependsOnTheMail) {
  EXPECT_EQ(walked("v=spf1 ip4:192.0.2.1 exists:%{i}.x.example.org ptr a:%{h}.example.org -include:%{d2}.example.org "
                   "ip4:192.0.2.2 redirect=%{o}.example.org"),
            "192.0.2.1 192.0.2.2");
  EXPECT_THAT(result.notes,
              ElementsAre("example.org: exists:%{i}.x.example.org depends on the mail", "example.org: ptr depends on the mail",
                          "example.org: a:%{h}.example.org depends on the mail",
                          "example.org: -include:%{d2}.example.org depends on the mail; it may refuse some of what is listed",
                          "example.org: redirect=%{o}.example.org depends on the mail"));
}

TEST_F(SpfWalkTest, DoesNotListTheInternet) {
  EXPECT_EQ(walked("v=spf1 ip4:192.0.2.1 ip4:0.0.0.0/1 ip6:2000::/3 +all"), "192.0.2.1");
  EXPECT_THAT(result.notes,
              ElementsAre(HasSubstr("0.0.0.0/1 covers much"), HasSubstr("2000::/3 covers much"), HasSubstr("everybody")));
}

TEST_F(SpfWalkTest, PassesOverMappedAddresses) {
  EXPECT_EQ(walked("v=spf1 ip6:::ffff:192.0.2.1 ip4:198.51.100.1 -all"), "198.51.100.1") << "RFC 7208 section 5";
}

TEST_F(SpfWalkTest, StopsAfterTenTermsThatAskDns) {
  std::string record = "v=spf1";
  for (int i = 1; i <= 11; ++i) {
    const std::string name = "h" + std::to_string(i) + ".example.org";
    dns.host[name] = {"192.0.2." + std::to_string(2 * i)};
    record += " a:" + name;
  }
  EXPECT_EQ(walked(record + " ip4:198.51.100.1 -all").find("192.0.2.22"), std::string::npos);
  EXPECT_TRUE(result.authorised.contains(*Address::parse("192.0.2.20")));
  EXPECT_FALSE(result.authorised.contains(*Address::parse("198.51.100.1")));
  EXPECT_THAT(result.notes, ElementsAre(HasSubstr("more than 10 terms")));
}

TEST_F(SpfWalkTest, LoopsEnd) {
  EXPECT_EQ(walked("v=spf1 ip4:192.0.2.1 include:example.org -all"), "192.0.2.1");
  EXPECT_THAT(result.notes, ElementsAre(HasSubstr("more than 10 terms")));
  EXPECT_EQ(walked("v=spf1 redirect=example.org"), "");
}

TEST_F(SpfWalkTest, StopsAfterTwoLookUpsThatFindNothing) {
  EXPECT_EQ(walked("v=spf1 a:no1.example mx:no2.example ip4:192.0.2.1 -all"), "192.0.2.1");
  EXPECT_EQ(walked("v=spf1 a:no1.example a:no2.example ip4:192.0.2.1 a:no3.example ip4:192.0.2.2 -all"), "192.0.2.1");
  EXPECT_THAT(result.notes, ElementsAre(HasSubstr("found nothing")));
}

TEST_F(SpfWalkTest, RefusesElevenExchangers) {
  for (int i = 0; i < 11; ++i) {
    dns.mx["example.org"].push_back("mx" + std::to_string(i) + ".example.org");
    dns.host[dns.mx["example.org"].back()] = {"192.0.2." + std::to_string(i)};
  }
  EXPECT_EQ(walked("v=spf1 mx -all"), "");
  EXPECT_THAT(result.notes, ElementsAre(HasSubstr("more than 10 MX")));
  dns.mx["example.org"].pop_back();
  EXPECT_EQ(walked("v=spf1 mx -all"), "192.0.2.0/29 192.0.2.8/31");
}

TEST_F(SpfWalkTest, SaysThatThereIsNoRecord) {
  dns.txt["example.org"] = {"something else"};
  EXPECT_EQ(walked(), "");
  EXPECT_EQ(result.status, Walk::Status::none);
  dns.txt["example.org"] = {"v=spf1 -all", "v=spf1 +all"};
  EXPECT_EQ(walked(), "");
  EXPECT_THAT(result.notes, ElementsAre(HasSubstr("more than one")));
  EXPECT_EQ(walked("v=spf1 ip4:192.0.2.1 ip5:x -all"), "");
  EXPECT_EQ(result.status, Walk::Status::none);
}

TEST_F(SpfWalkTest, KeepsWhatMatchesBeforeABrokenInclude) {
  dns.txt["half.example"] = {"v=spf1 ip4:198.51.100.1 include:gone.example -all"};
  EXPECT_EQ(walked("v=spf1 ip4:192.0.2.1 include:half.example ip4:192.0.2.2 -all"), "192.0.2.1 198.51.100.1");
  EXPECT_THAT(result.notes, ElementsAre("example.org: gone.example has no SPF record; what comes after it is not listed"));
  EXPECT_EQ(result.status, Walk::Status::done);
}

TEST_F(SpfWalkTest, TellsAnswersThatFailFromThoseThatAreEmpty) {
  dns.failing = {"down.example"};
  EXPECT_EQ(walked("v=spf1 ip4:192.0.2.1 a:down.example ip4:192.0.2.2 -all"), "192.0.2.1");
  EXPECT_EQ(result.status, Walk::Status::unavailable);
  dns.failing = {"example.org"};
  EXPECT_EQ(walked(), "");
  EXPECT_EQ(result.status, Walk::Status::unavailable);
}

}  // namespace
}  // namespace deferd::spf
