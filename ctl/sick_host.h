// For tests: a host of which everything can be made up. It is well until a test spoils it.
#pragma once
#include <map>

#include "ctl/facts.h"
#include "http/json.h"

namespace deferd::ctl {

inline Value json(std::string_view text) { return or_throw(parse_json(text)); }

inline constexpr std::string_view kOpenbsdRules =
    "block return log all\n"
    "pass out all flags S/SA\n"
    "pass in on egress inet proto tcp from any to any port = 25 flags S/SA keep state (no-sync) divert-to 127.0.0.1 port 8025\n"
    "pass in on egress inet6 proto tcp from any to any port = 25 flags S/SA keep state (no-sync) divert-to ::1 port 8025\n"
    "pass in on egress proto tcp from <deferd-exempt> to any port = 25 flags S/SA\n"
    "pass in log (to pflog1) on egress proto tcp from <deferd-white> to any port = 25 flags S/SA\n"
    "pass in on egress proto tcp from <deferd-bypass> to any port = 25 flags S/SA\n"
    "pass out log (to pflog1) on egress proto tcp from any to any port = 25 flags S/SA\n";

inline constexpr std::string_view kFreebsdTranslation =
    "no rdr on vtnet0 proto tcp from <deferd-bypass> to any port = smtp\n"
    "no rdr on vtnet0 proto tcp from <deferd-exempt> to any port = smtp\n"
    "no rdr on vtnet0 proto tcp from <deferd-white> to any port = smtp\n"
    "rdr pass on vtnet0 inet proto tcp from any to any port = smtp -> 127.0.0.1 port 8025\n"
    "rdr pass on vtnet0 inet6 proto tcp from any to any port = smtp -> fd00:25::1 port 8025\n";

inline constexpr std::string_view kFreebsdRules =
    "pass in on vtnet0 proto tcp from <deferd-bypass> to any port = smtp flags S/SA keep state\n"
    "pass in on vtnet0 proto tcp from <deferd-exempt> to any port = smtp flags S/SA keep state\n"
    "pass in log (to pflog1) on vtnet0 proto tcp from <deferd-white> to any port = smtp flags S/SA keep state\n"
    "pass out log (to pflog1) on vtnet0 proto tcp from any to any port = smtp flags S/SA keep state\n"
    "pass on vtnet0 inet6 proto ipv6-icmp all keep state\n";

class SickHost : public Facts {
 public:
  /// deferd behind pf of OpenBSD, with a helper.
  SickHost() {
    answers["/v1/status"] = json(
        R"({"version": "1.2.3", "time": "2026-11-20T12:00:00Z", "uptime": 90000,
            "store": {"engine": "rocksdb", "state": "ok", "records": 17}})");
    answers["/v1/setup"] = json(
        R"({"user": "deferd",
            "smtp": {"listening": ["127.0.0.1:8025", "[::1]:8025"], "name": "mx.example.org",
                     "certificate": {"file": "/etc/deferd/cert.pem", "expires": "2027-01-01T00:00:00Z",
                                     "mx_names": ["mx.example.org"], "warnings": []},
                     "handover": {"to": "127.0.0.1:10025", "state": "ready"}},
            "exempt": {"networks": ["127.0.0.0/8", "::1"], "own_mx": ["192.0.2.2"], "relays": [], "files": []},
            "helpers": [["deferd-helper", "--table", "white=pf:deferd-white", "--table", "exempt=pf:deferd-exempt",
                         "--bypass", "pf:deferd-bypass",
                         "--socket", "/run/deferd/helper.sock", "--owner", "deferd"],
                        ["deferd-helper", "--capture", "pflog1", "--socket", "/run/deferd/capture.sock"]]})");
    answers["/v1/stats"] = json(R"({"uptime": 90000, "counters": {"deferd_pfbridge_watched_total": 5}})");
    rows["/v1/plugins"] = {json(R"({"name": "greylist", "plugin": "greylist", "state": "ok"})"),
                           json(R"({"name": "pfbridge", "plugin": "pfbridge", "state": "ok"})")};
    rows["/v1/lists"] = {json(R"({"list": "own", "state": "good"})")};
    rows["/v1/bridge"] = {json(R"({"table": "white", "helper": "unix:/run/deferd/helper.sock", "wanted": 17, "present": 17})"),
                          json(R"({"table": "exempt", "set": "exempt", "helper": "unix:/run/deferd/helper.sock", "wanted": 3})")};
    programs["pfctl -sr"] = {std::string(kOpenbsdRules), ""};
    programs["pfctl -sT"] = {"deferd-bypass\ndeferd-exempt\ndeferd-white\n", ""};
    programs["pfctl -si"] = {"Status: Enabled for 0 days 00:17:00    Debug: err\n", ""};
    programs["pfctl -sm"] = {"states        hard limit   100000\ntable-entries hard limit   200000\n", ""};
    programs["ifconfig -g egress"] = {"em0\n", ""};
    programs["ifconfig pflog1"] = {"pflog1: flags=141<UP,RUNNING,PROMISC> mtu 33136\n", ""};
    greetings["127.0.0.1:8025"] = greetings["[::1]:8025"] = "220 mx.example.org ESMTP";
  }

  /// FreeBSD in its place.
  void be_freebsd() {
    auto& setup = answers["/v1/setup"];
    setup.set("smtp", json(R"({"listening": ["127.0.0.1:8025", "[fd00:25::1]:8025"]})"));
    programs["pfctl -sn"] = {std::string(kFreebsdTranslation), ""};
    programs["pfctl -sr"] = {std::string(kFreebsdRules), ""};
    programs["ifconfig vtnet0"] = {"vtnet0: flags=8863<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> mtu 1500\n", ""};
    programs["sysctl -n net.pf.request_maxcount"] = {"65535\n", ""};
  }

  /// The SMTP part of /v1/setup with another member.
  void set_smtp(std::string_view key, Value value) {
    Value smtp = *answers["/v1/setup"].find("smtp");
    smtp.set(key, std::move(value));
    answers["/v1/setup"].set("smtp", std::move(smtp));
  }

  Outcome<Value> ask(const std::string& target) override {
    if (down) return tl::make_unexpected(Failure{kUnreachable, "no deferd answers"});
    const auto found = answers.find(target);
    if (found == answers.end()) return tl::make_unexpected(Failure{kNothing, "no such thing"});
    return found->second;
  }
  Outcome<std::vector<Value>> ask_rows(const std::string& target) override {
    if (down) return tl::make_unexpected(Failure{kUnreachable, "no deferd answers"});
    const auto found = rows.find(target);
    if (found == rows.end()) return tl::make_unexpected(Failure{kNothing, "no such thing"});
    return found->second;
  }
  ProgramOutput run(const std::vector<std::string>& argv) override {
    std::string line;
    for (const auto& word : argv) line += (line.empty() ? "" : " ") + word;
    const auto found = programs.find(line);
    return found != programs.end() ? found->second : ProgramOutput{"", argv.front() + " ended with 1"};
  }
  Result<std::string> read_file(const std::string& path) override {
    const auto found = files.find(path);
    if (found == files.end()) return fail(Errc::io, path + ": No such file or directory");
    return found->second;
  }
  Result<std::string> greeting(const Endpoint& endpoint) override {
    const auto found = greetings.find(endpoint.to_string());
    if (found == greetings.end()) return fail(Errc::unavailable, "Connection refused");
    return found->second;
  }
  Time now() override { return time; }
  FilterKind usual_filter() override { return filter; }
  bool root() override { return is_root; }

  std::map<std::string, Value> answers;
  std::map<std::string, std::vector<Value>> rows;
  std::map<std::string, ProgramOutput> programs;
  std::map<std::string, std::string> files, greetings;
  Time time = std::chrono::sys_days(std::chrono::year(2026) / 11 / 20) + std::chrono::hours(12);
  FilterKind filter = FilterKind::pf;
  bool is_root = true;
  bool down = false;
};

}  // namespace deferd::ctl
