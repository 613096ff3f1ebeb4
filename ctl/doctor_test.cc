// Each check finds its illness, and a host that is well has none.
#include "ctl/doctor.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <sstream>

#include "ctl/sick_host.h"

namespace deferd::ctl {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class DoctorTest : public testing::Test {
 protected:
  Finding look(std::string_view name) {
    Examination examination(host);
    for (const auto checks : {daemon_checks(), filter_checks(), table_checks()})
      for (const Check& check : checks)
        if (check.name == name) return check.look(examination);
    ADD_FAILURE() << "no check " << name;
    return {};
  }
  void expect(std::string_view check, Verdict verdict, const std::string& what = "", const std::string& remedy = "") {
    const Finding finding = look(check);
    EXPECT_EQ(to_string(finding.verdict), to_string(verdict)) << check << ": " << finding.what;
    EXPECT_THAT(finding.what, HasSubstr(what));
    EXPECT_THAT(finding.remedy, HasSubstr(remedy));
    if (verdict == Verdict::warn || verdict == Verdict::fail)
      EXPECT_NE(finding.remedy, "") << check;
    else
      EXPECT_EQ(finding.remedy, "") << check;
  }
  /// The rules with one line of them replaced; an empty one goes.
  void change_rule(const std::string& program, const std::string& from, const std::string& to) {
    auto& rules = host.programs[program].output;
    const auto at = rules.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    rules.replace(at, from.size(), to);
  }
  /// Runs the command itself.
  int run(bool json = false) {
    std::ostringstream out_stream, err_stream;
    Arguments arguments;
    arguments.json = json;
    const Screen screen{out_stream, err_stream};
    const Daemon daemon("/nonexistent");
    const auto done = examine(host, Job{arguments, daemon, screen});
    out = out_stream.str();
    told = done ? "" : done.error().what;
    return done ? kOk : done.error().code;
  }

  SickHost host;
  std::string out, told;
};

TEST_F(DoctorTest, FindsNothingOnAHostThatIsWell) {
  for (const auto checks : {daemon_checks(), filter_checks(), table_checks()})
    for (const Check& check : checks) expect(check.name, check.name == "table-requests" ? Verdict::skipped : Verdict::ok);
  EXPECT_EQ(run(), 0) << out;
}

TEST_F(DoctorTest, FindsNothingOnAFreebsdThatIsWell) {
  host.be_freebsd();
  for (const auto checks : {filter_checks(), table_checks()})
    for (const Check& check : checks)
      if (check.name != "bridge") expect(check.name, Verdict::ok);
}

TEST_F(DoctorTest, TellsByItsExitCodeWhatTheWorstWas) {
  host.answers["/v1/setup"].set("exempt", json(R"({"own_mx": [], "relays": []})"));
  EXPECT_EQ(run(), 1);
  EXPECT_EQ(told, "0 checks failed, 1 warn");
  EXPECT_THAT(out, HasSubstr("warn     own_mx         neither own_mx nor relays is set\n"));
  EXPECT_THAT(out, HasSubstr("\n                        remedy: if mail also comes in"));
  host.programs["pfctl -si"].output = "Status: Disabled\n";
  EXPECT_EQ(run(), 2);
  EXPECT_EQ(told, "1 check failed, 1 warn");
}

TEST_F(DoctorTest, SpeaksJson) {
  host.down = true;
  EXPECT_EQ(run(true), 2);
  const auto first = json(out.substr(0, out.find('\n')));
  EXPECT_EQ(first.find("check")->text(), "daemon");
  EXPECT_EQ(first.find("verdict")->text(), "fail");
  EXPECT_THAT(first.find("remedy")->text(), HasSubstr("deferd -t"));
  EXPECT_EQ(static_cast<std::size_t>(std::count(out.begin(), out.end(), '\n')),
            daemon_checks().size() + filter_checks().size() + table_checks().size());
}

TEST_F(DoctorTest, SkipsWhatOnlyADaemonCouldTell) {
  host.down = true;
  for (const auto checks : {daemon_checks(), filter_checks(), table_checks()})
    for (const Check& check : checks) expect(check.name, check.name == "daemon" ? Verdict::fail : Verdict::skipped);
}

TEST_F(DoctorTest, SeesAStoreThatCannotWrite) {
  host.answers["/v1/status"].set("store", json(R"({"engine": "rocksdb", "state": "disk full: /var"})"));
  expect("store", Verdict::fail, "disk full: /var", "make room");
  host.answers["/v1/status"].set("store", json(R"({"engine": "memory", "state": "ok"})"));
  expect("store", Verdict::warn, "forgotten");
}

TEST_F(DoctorTest, SeesAClockThatIsWrong) {
  host.answers["/v1/status"].set("time", "2026-11-20T12:02:01Z");
  expect("clock", Verdict::fail, "2026-11-20T12:02:01Z");
  host.answers["/v1/status"].set("time", "2026-11-20T11:58:00Z");
  expect("clock", Verdict::ok);
  host.answers["/v1/status"].set("store", json(R"({"state": "ok", "cleaning_held": true})"));
  expect("clock", Verdict::fail, "jumped ahead", "NTP");
  host.time = {};
  expect("clock", Verdict::fail, "1970-01-01", "NTP");
}

TEST_F(DoctorTest, SeesPluginsThatAreNotAskedAnyMore) {
  host.rows["/v1/plugins"].push_back(json(R"({"name": "mine", "plugin": "mine", "state": "slow"})"));
  expect("plugins", Verdict::warn, "mine", "budget");
  host.rows["/v1/plugins"].push_back(json(R"({"name": "other", "plugin": "other", "state": "quarantined"})"));
  expect("plugins", Verdict::fail, "other", "log");
  host.rows["/v1/plugins"].clear();
  expect("plugins", Verdict::warn, "none");
}

TEST_F(DoctorTest, SeesListsThatAreTooOld) {
  host.rows["/v1/lists"].push_back(json(R"({"list": "web", "state": "failing", "error": "timeout"})"));
  expect("lists", Verdict::warn, "web is failing: timeout", "refresh");
  host.rows["/v1/lists"].push_back(json(R"({"list": "old", "state": "too old"})"));
  expect("lists", Verdict::fail, "old is too old; web is failing");
  host.rows["/v1/lists"] = {json(R"({"list": "new", "state": "empty", "loading": "12 of 30 MiB"})")};
  expect("lists", Verdict::ok);
  host.rows.erase("/v1/lists");
  expect("lists", Verdict::skipped);
}

TEST_F(DoctorTest, SeesACertificateThatSendersWouldNotTake) {
  const auto certificate = [&](std::string_view text) { host.set_smtp("certificate", json(text)); };
  certificate(R"({"expires": "2026-11-20T11:59:59Z", "file": "/etc/cert.pem", "warnings": ["expired"], "mx_names": ["a"]})");
  expect("certificate", Verdict::fail, "2026-11-20T11:59:59Z", "/etc/cert.pem");
  certificate(R"({"expires": "2027-01-01T00:00:00Z", "warnings": ["it does not cover mx.example.org"], "mx_names": ["a"]})");
  expect("certificate", Verdict::warn, "does not cover mx.example.org");
  certificate(R"({"expires": "2027-01-01T00:00:00Z", "warnings": [], "mx_names": []})");
  expect("certificate", Verdict::warn, "not known", "mx_names");
  host.set_smtp("certificate", Value());
  expect("certificate", Verdict::warn, "STARTTLS");
}

TEST_F(DoctorTest, SeesAMailServerThatCannotBeHandedOverTo) {
  host.set_smtp("handover", json(R"({"to": "127.0.0.1:10025", "state": "down", "why": "Connection refused"})"));
  expect("hand-over", Verdict::fail, "127.0.0.1:10025: Connection refused", "start the mail server");
  host.set_smtp("handover",
                json(R"({"to": "127.0.0.1:25", "state": "unsafe", "why": "open relay", "remedy": "use a port of its own"})"));
  expect("hand-over", Verdict::fail, "open relay", "use a port of its own");
  host.set_smtp("handover", json(R"({"to": "127.0.0.1:25", "state": "unknown"})"));
  expect("hand-over", Verdict::warn);
  host.set_smtp("handover", Value());
  expect("hand-over", Verdict::skipped);
}

TEST_F(DoctorTest, SeesAListenerThatDoesNotGreet) {
  host.greetings.erase("[::1]:8025");
  expect("listener", Verdict::fail, "[::1]:8025: Connection refused");
  host.greetings["[::1]:8025"] = "SSH-2.0-OpenSSH";
  expect("listener", Verdict::fail, "it says SSH-2.0");
  host.set_smtp("listening", json(R"(["0.0.0.0:8025"])"));
  expect("listener", Verdict::ok, "0.0.0.0:8025");
}

TEST_F(DoctorTest, SeesThatNobodyWhoPassedGetsIn) {
  host.rows["/v1/plugins"].pop_back();
  expect("bridge", Verdict::ok, "hand-over");
  host.set_smtp("handover", Value());
  expect("bridge", Verdict::fail, "stays redirected", "docs/running-behind-pf.md");
}

TEST_F(DoctorTest, SeesATableThatIsNotKept) {
  host.rows["/v1/bridge"].push_back(json(R"({"table": "trapped", "helper": "unix:/x", "error": "not connected"})"));
  expect("bridge", Verdict::fail, "trapped at unix:/x: not connected", "deferd-helper");
  host.rows["/v1/bridge"].clear();
  expect("bridge", Verdict::fail, "no table");
  host.rows.erase("/v1/bridge");
  expect("bridge", Verdict::fail);
}

TEST_F(DoctorTest, SeesThatWhoIsExemptDoesNotGetIn) {
  expect("exempt", Verdict::ok, "by hand-over");
  host.set_smtp("handover", Value());
  expect("exempt", Verdict::ok, "by a table");
  host.rows["/v1/bridge"].pop_back();
  expect("exempt", Verdict::warn, "no table is kept for who is exempt", "--table exempt=");
  const auto exempt = [&](std::string_view who) { host.answers["/v1/setup"].set("exempt", json(who)); };
  exempt(R"({"networks": ["127.0.0.0/8", "127.0.0.1", "::1"], "own_mx": [], "relays": [], "files": []})");
  expect("exempt", Verdict::ok, "nobody is");
  exempt(R"({"networks": ["::/0"], "own_mx": [], "relays": [], "files": []})");
  expect("exempt", Verdict::warn, "no table");
  exempt(R"({"networks": [], "own_mx": [], "relays": [], "files": ["/etc/deferd/friends"]})");
  expect("exempt", Verdict::warn, "no table");
  exempt(R"({"networks": [], "own_mx": ["mx2.example.org"], "relays": [".example.net"], "files": []})");
  expect("exempt", Verdict::warn, "exempt by name, which the packet filter does not know: mx2.example.org; .example.net",
         "their addresses");
  host.rows["/v1/bridge"].push_back(json(R"({"set": "exempt"})"));
  expect("exempt", Verdict::ok, "mx2.example.org");
  host.answers["/v1/setup"].set("helpers", json(R"([["deferd-helper", "--table", "black=pf:deferd-black"]])"));
  expect("exempt", Verdict::ok, "only the listed");
}

TEST_F(DoctorTest, SeesEntriesThatAnOperatorHasToDecideAbout) {
  host.rows["/v1/bridge"] = {json(R"({"table": "white", "helper": "unix:/x", "held": 700, "present": 712, "wanted": 12})"),
                             json(R"({"table": "trapped", "helper": "unix:/x", "held": 0, "present": 5, "wanted": 5})")};
  expect("bridge", Verdict::warn, "held: 700 of 712 entries of white at unix:/x. They stay", "deferctl bridge adopt");
  EXPECT_THAT(look("bridge").what, HasSubstr("store is new"));
  EXPECT_THAT(look("bridge").remedy, HasSubstr("keep_foreign"));
}

TEST_F(DoctorTest, SeesAPacketFilterThatDoesNothing) {
  host.programs["pfctl -si"].output = "Status: Disabled for 0 days 00:00:01\n";
  expect("rules", Verdict::fail, "not enabled", "pfctl -e");
  host.programs["pfctl -si"].output = "Status: Enabled\n";
  host.programs["pfctl -sr"].output = "pass all flags S/SA\n";
  expect("rules", Verdict::fail, "no rule redirects port 25", "deferctl pf-rules");
  host.programs.erase("pfctl -sr");
  expect("rules", Verdict::warn, "cannot be read");
  host.is_root = false;
  expect("rules", Verdict::skipped, "only root");
}

TEST_F(DoctorTest, SkipsThePacketFilterWhereThereIsNone) {
  host.set_smtp("listening", json("[]"));
  for (const auto checks : {filter_checks(), table_checks()})
    for (const Check& check : checks) expect(check.name, Verdict::skipped, "listen.smtp");
}

TEST_F(DoctorTest, SkipsThePacketFilterOfAnotherHost) {
  host.answers["/v1/setup"].set("helpers",
                                json(R"([["ssh", "fw", "deferd-helper", "--table", "white=pf:deferd-white", "--stdio"]])"));
  for (const auto checks : {filter_checks(), table_checks()})
    for (const Check& check : checks)
      if (check.name != "bridge" && check.name != "exempt") expect(check.name, Verdict::skipped, "another host");
}

TEST_F(DoctorTest, SeesARedirectThatMissesTheListener) {
  host.set_smtp("listening", json(R"(["127.0.0.1:8026", "[::1]:8025"])"));
  expect("redirect", Verdict::fail, "by IPv4 the redirect leads to 127.0.0.1 port 8025, where deferd does not listen",
         "listen.smtp");
  host.set_smtp("listening", json(R"(["192.0.2.1:8025", "[::1]:8025"])"));
  expect("redirect", Verdict::fail, "by IPv4");
  host.set_smtp("listening", json(R"(["0.0.0.0:8025", "[::]:8025"])"));
  expect("redirect", Verdict::ok);
}

TEST_F(DoctorTest, SeesARedirectForAnInterfaceThatIsNotThere) {
  host.be_freebsd();
  host.programs.erase("ifconfig vtnet0");
  expect("redirect", Verdict::fail, "the interface vtnet0, which does not exist", "--interface");
  host.programs["ifconfig -g vtnet0"] = {"em0\n", ""};  // a group
  expect("redirect", Verdict::ok);
}

TEST_F(DoctorTest, SeesThatNoInterfaceIsOneThatNftablesNames) {
  host.answers["/v1/setup"].set("helpers", json(R"([["deferd-helper", "--table", "white=nft:inet/t/w4"]])"));
  host.set_smtp("listening", json(R"(["0.0.0.0:8025", "[::]:8025"])"));
  const auto redirect_by = [&](const std::string& names) {
    host.programs["nft -j -t list ruleset"] = {
        R"({"nftables": [{"chain": {"family": "inet", "table": "t", "name": "c", "type": "nat", "hook": "prerouting"}},
                         {"rule": {"family": "inet", "table": "t", "chain": "c", "expr": [
                           {"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": ")" +
            names + R"("}},
                           {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 25}},
                           {"redirect": {"port": 8025}}]}}]})",
        ""};
  };
  const std::string heading = "Inter-|   Receive\n face |bytes\n";
  host.files["/proc/net/dev"] = heading + "    lo:  1 2\n  ppp0: 1 2\n";
  redirect_by("ppp*");
  expect("redirect", Verdict::ok);
  host.files["/proc/net/dev"] = heading + "    lo:  1 2\n   pp0: 1 2\n";
  expect("redirect", Verdict::fail, "the interface ppp*, which does not exist", "--interface");
  redirect_by("@wan");
  expect("redirect", Verdict::ok);
  host.programs["nft -j list set inet t wan"] = {
      R"({"nftables": [{"set": {"family": "inet", "name": "wan", "table": "t", "type": "ifname", "elem": ["eth9"]}}]})", ""};
  expect("redirect", Verdict::fail, "the interface eth9, which does not exist");
}

TEST_F(DoctorTest, SeesAFamilyThatIsNotRedirected) {
  change_rule("pfctl -sr", "pass in on egress inet6 proto tcp from any to any port = 25",
              "pass in on egress inet6 proto tcp from any to any port = 26");
  expect("redirect", Verdict::fail, "by IPv6 no rule leads strangers to deferd");
  host.set_smtp("listening", json(R"(["127.0.0.1:8025"])"));
  expect("redirect", Verdict::ok, "IPv6 is not redirected");
}

TEST_F(DoctorTest, SeesALaterRuleThatOverrulesTheRedirect) {
  host.programs["pfctl -sr"].output += "pass all flags S/SA\n";
  expect("redirect", Verdict::fail, "else one after it");
  host.programs["pfctl -sr"].output =
      "pass in quick on egress proto tcp from any to any port = 25 flags S/SA\n" + std::string(kOpenbsdRules);
  expect("redirect", Verdict::fail, "by IPv4 no rule leads strangers");
}

TEST_F(DoctorTest, SeesADivertThatReachesNoSocketOnFreebsd) {
  host.be_freebsd();
  host.programs["pfctl -sn"].output.clear();
  host.programs["pfctl -sr"].output =
      "pass in on vtnet0 inet proto tcp from any to any port = smtp flags S/SA keep state divert-to 8025\n";
  expect("redirect", Verdict::fail, "divert-to 8025 reaches no TCP socket");
}

TEST_F(DoctorTest, SeesATableThatNoRuleUses) {
  change_rule("pfctl -sr", "<deferd-white>", "<defered-white>");
  expect("tables", Verdict::fail, "no rule uses deferd-white", "deferctl pf-rules");
  host.programs["pfctl -sT"].output = "deferd-bypass\n";
  expect("tables", Verdict::fail, "deferd-white, where deferd-helper writes, does not exist", "declare it");
  host.answers["/v1/setup"].set("helpers", Value::list());
  expect("tables", Verdict::warn, "names no helper");
}

TEST_F(DoctorTest, SeesWhiteClientsThatAreRedirectedAllTheSame) {
  change_rule("pfctl -sr", "from <deferd-white> to any port = 25", "from <deferd-white> to any port = 587");
  expect("order", Verdict::fail, "members of deferd-white are redirected", "OpenBSD: after it");
}

TEST_F(DoctorTest, SeesExemptClientsThatAreRedirectedAllTheSame) {
  change_rule("pfctl -sr", "from <deferd-exempt> to any port = 25", "from <deferd-exempt> to any port = 587");
  expect("order", Verdict::fail, "members of deferd-exempt are redirected", "before the redirect");
  host.answers["/v1/setup"].set("helpers",
                                json(R"([["deferd-helper", "--table", "exempt=pf:ours", "--bypass", "pf:deferd-bypass"]])"));
  host.programs["pfctl -sT"].output = "deferd-bypass\ndeferd-exempt\nours\n";
  expect("tables", Verdict::fail, "no rule uses ours, where deferd-helper writes");
  expect("order", Verdict::fail, "members of ours are redirected");
  host.programs["pfctl -sr"].output += "pass in on egress proto tcp from <ours> to any port = 25\n";
  expect("tables", Verdict::ok);
  expect("order", Verdict::ok);
}

TEST_F(DoctorTest, SeesABypassThatComesTooLate) {
  host.be_freebsd();
  change_rule("pfctl -sn", "no rdr on vtnet0 proto tcp from <deferd-bypass> to any port = smtp\n", "");
  host.programs["pfctl -sn"].output += "no rdr on vtnet0 proto tcp from <deferd-bypass> to any port = smtp\n";
  expect("order", Verdict::fail, "members of deferd-bypass", "a dead deferd stops your mail");
  host.be_freebsd();
  expect("order", Verdict::ok);
}

TEST_F(DoctorTest, SeesThatThereIsNoDeadMansSwitch) {
  host.answers["/v1/setup"].set("helpers", json(R"([["deferd-helper", "--table", "white=pf:deferd-white"]])"));
  expect("order", Verdict::warn, "dead man's switch", "--bypass");
}

TEST_F(DoctorTest, AsksForNoTablesWhereHandOverIsAll) {
  host.rows["/v1/plugins"].pop_back();
  host.answers["/v1/setup"].set("helpers", Value::list());
  host.programs["pfctl -sT"].output.clear();
  host.programs["pfctl -sr"].output =
      "pass in on egress inet proto tcp from any to any port = 25 flags S/SA divert-to 127.0.0.1 port 8025\n"
      "pass in on egress inet6 proto tcp from any to any port = 25 flags S/SA divert-to ::1 port 8025\n";
  expect("bridge", Verdict::ok);
  expect("redirect", Verdict::ok);
  expect("tables", Verdict::skipped);
  expect("order", Verdict::warn, "dead man's switch");
}

TEST_F(DoctorTest, SeesARedirectThatFeedsTheCapture) {
  change_rule("pfctl -sr", "pass in on egress inet proto tcp from any",
              "pass in log (all, to pflog1) on egress inet proto tcp from any");
  expect("capture", Verdict::fail, "pflog1 is fed by the redirect", "take `log` out");
}

TEST_F(DoctorTest, SeesACaptureThatNothingReaches) {
  host.programs["ifconfig pflog1"].output = "pflog1: flags=100<PROMISC> mtu 33136\n";
  expect("capture", Verdict::fail, "pflog1 is not up", "ifconfig pflog1 create");
  host.programs.erase("ifconfig pflog1");
  expect("capture", Verdict::fail, "pflog1 is not up");
  host.programs["ifconfig pflog1"] = {"pflog1: flags=141<UP,RUNNING>\n", ""};
  host.answers["/v1/stats"] = json(R"({"uptime": 90000, "counters": {}})");
  expect("capture", Verdict::warn, "no connection was seen");
  host.answers["/v1/stats"] = json(R"({"uptime": 3600, "counters": {}})");
  expect("capture", Verdict::ok);
  change_rule("pfctl -sr", "pass in log (to pflog1)", "pass in log");
  change_rule("pfctl -sr", "pass out log (to pflog1)", "pass out log");
  expect("capture", Verdict::fail, "no rule logs to pflog1");
}

TEST_F(DoctorTest, SeesTablesThatAreAlmostFull) {
  host.rows["/v1/bridge"] = {json(R"({"table": "white", "wanted": 159999, "present": 5})")};
  expect("table-entries", Verdict::ok, "159999 entries of 200000");
  host.rows["/v1/bridge"] = {json(R"({"table": "white", "wanted": 100000})"), json(R"({"table": "black", "wanted": 60000})")};
  expect("table-entries", Verdict::warn, "160000 entries", "set limit table-entries 400000");
  host.rows["/v1/bridge"] = {json(R"({"table": "white", "wanted": 300000, "present": 200000})")};
  expect("table-entries", Verdict::fail, "300000 entries", "set limit table-entries 600000");
}

TEST_F(DoctorTest, SeesATableThatIsTooLargeToBeReadBack) {
  const auto white = [&](int entries) { host.rows["/v1/bridge"] = {json(R"({"wanted": )" + std::to_string(entries) + "}")}; };
  white(60'000);
  expect("table-requests", Verdict::skipped, "no net.pf.request_maxcount");  // OpenBSD
  host.be_freebsd();
  white(40'000);
  expect("table-requests", Verdict::ok, "40000 entries, and a request may be for 65535");
  white(50'000);
  expect("table-requests", Verdict::warn, "50000 entries", "sysctl net.pf.request_maxcount=400000");
  white(60'000);  // they fit, but not with the room that deferd-helper asks for
  expect("table-requests", Verdict::fail, "60000 entries", "/etc/sysctl.conf");
  host.programs["sysctl -n net.pf.request_maxcount"].output = "400000\n";
  expect("table-requests", Verdict::ok);
  white(400'000);
  expect("table-requests", Verdict::fail, "", "sysctl net.pf.request_maxcount=800000");
}

TEST_F(DoctorTest, EscapesWhatATerminalWouldActOn) {
  host.greetings["127.0.0.1:8025"] = "\x1b[2J";
  EXPECT_EQ(run(), 2);
  EXPECT_THAT(out, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace deferd::ctl
