#include "ctl/spamd_config.h"

#include <cassert>

#include "ctl/fields.h"
#include "deferd/value.h"

namespace deferd::ctl {
namespace {

/// A text of which places are replaced. Each must be there: a test of all flags sees to it that the template keeps them.
class Draft {
 public:
  explicit Draft(std::string_view text) : text_(text) {}

  void replace(std::string_view old, const std::string& by) {
    const auto place = text_.find(old);
    assert(place != text_.npos);
    if (place != text_.npos) text_.replace(place, old.size(), by);
  }
  /// From the line that begins with `from` to before the one that begins with `to`, or to the end.
  void cut(std::string_view from, std::string_view to) {
    const auto begin = line_at(from), end = to.empty() ? text_.size() : line_at(to, begin);
    text_.erase(begin, end - begin);
  }
  const std::string& text() const { return text_; }

 private:
  std::size_t line_at(std::string_view start, std::size_t from = 0) const {
    if (from == 0 && text_.starts_with(start)) return 0;
    const auto place = text_.find(std::string("\n").append(start), from);
    assert(place != text_.npos);
    return place == text_.npos ? text_.size() : place + 1;
  }

  std::string text_;
};

/// JSON's strings are YAML's.
std::string yaml_text(std::string_view text) { return Value(text).to_json(); }

std::string seconds(std::int64_t count) { return std::to_string(count) + "s"; }

std::string endpoint(const SpamdFlags& flags) {
  const bool v6 = flags.address.find(':') != std::string::npos;
  return (v6 ? "[" + flags.address + "]" : flags.address) + ":" + std::to_string(flags.port);
}

std::string blacklist_settings(const SpamdSetup& setup) {
  return (setup.spamd_conf.empty() ? R"({config_port: "127.0.0.1:8026")" : "{spamd_conf: " + yaml_text(setup.spamd_conf)) +
         ", action: " + (setup.flags.reject ? "reject" : "defer") + "}";
}

void set_front_end(Draft& draft, const SpamdFlags& flags) {
  draft.replace(R"(listen: {smtp: ["127.0.0.1:8025"]})", "listen: {smtp: [" + yaml_text(endpoint(flags)) + "]}");
  draft.replace("total: 800", "total: " + std::to_string(flags.clients));
  draft.replace("kept: 700", "kept: " + std::to_string(flags.most_held()));
  draft.replace("window: 0", "window: " + std::to_string(flags.window));
  if (!flags.host.empty()) draft.replace(R"(name: "")", "name: " + yaml_text(flags.host));
  if (!flags.product.empty()) {
    draft.replace("product: deferd", "product: " + yaml_text(flags.product));
    draft.replace(R"(banner: "%h ESMTP")", R"(banner: "%h ESMTP %n; %d")");
  }
  if (!flags.certificate.empty())
    draft.replace(R"(tls: {certificate: "", key: ""})",
                  "tls: {certificate: " + yaml_text(flags.certificate) + ", key: " + yaml_text(flags.key) + "}");
  if (!flags.verbose) draft.replace("level: info", "level: notice");
}

void set_exempt(Draft& draft, const std::vector<Prefix>& clients) {
  if (clients.empty()) return;
  std::string networks = "networks:   # this machine, and what was in <nospamd>\n    - 127.0.0.0/8\n    - \"::1\"";
  for (const auto& client : clients) networks += "\n    - " + yaml_text(client.to_string());
  draft.replace(R"(networks: [127.0.0.0/8, "::1"]   # the table <nospamd>, for clients that get here all the same)", networks);
}

void set_greylisting(Draft& draft, const SpamdSetup& setup) {
  const auto& flags = setup.flags;
  draft.cut("# Black-list-only mode", "");
  if (!setup.allowed_domains.empty())
    draft.replace("allowed_domains: []         # or allowed_domains_files: [/etc/mail/spamd.alloweddomains]",
                  "allowed_domains_files: [" + yaml_text(setup.allowed_domains) + "]");
  if (flags.reject) draft.replace("reply: {code: 450, enhanced: 4.7.1", "reply: {code: 550, enhanced: 5.7.1");
  draft.replace(R"({config_port: "127.0.0.1:8026", action: defer})", blacklist_settings(setup));
  if (!flags.usual_times())
    draft.replace("greylist: {profile: spamd}",
                  "greylist: {profile: spamd, profiles: {spamd: {pass_time: " + std::to_string(flags.pass_minutes) +
                      "m, grey_expiry: " + std::to_string(flags.grey_hours) +
                      "h, white_expiry: " + std::to_string(flags.white_hours) + "h}}}");
  draft.replace("tables: [trapped], per_byte: 1s", "tables: [trapped], per_byte: " + seconds(flags.per_byte));
  const bool stutters = flags.stutter > 0;  // spamd's -S 0 is no stutter at all; `during: 0s` would be one without end
  draft.replace("strangers: {per_byte: 1s, during: 10s}", "strangers: {per_byte: " + seconds(stutters ? flags.per_byte : 0) +
                                                              ", during: " + seconds(stutters ? flags.stutter : 10) + "}");
}

/// The block that stands in comments at the end takes the place of the plugins; lists come first, so that their messages are
/// told. Who is on none hears 450 even with -5: spamd says 451 then.
void set_black_list_only(Draft& draft, const SpamdSetup& setup) {
  const std::string_view all = draft.text();
  std::string block;
  each_line_of(all.substr(all.rfind("# plugins:\n")), [&](std::string_view line, std::size_t) {
    if (line.starts_with("# ")) block.append(line.substr(2)).append(1, '\n');
  });
  Draft plugins(block);
  plugins.replace("plugins:\n", "plugins:\n  - blacklist: " + blacklist_settings(setup) + "\n");
  const auto per_byte = seconds(setup.flags.per_byte);
  plugins.replace("tarpit: {strangers: {during: 0s}}",
                  "tarpit: {hold: {per_byte: " + per_byte + "}, strangers: {per_byte: " + per_byte + ", during: 0s}}");
  draft.cut("plugins:", "");
  draft = Draft(draft.text() + plugins.text());
}

bool mentions(std::string_view line, std::string_view what) { return line.find(what) != line.npos; }

bool is_redirect(std::string_view line) {
  return mentions(line, "divert-to") || mentions(line, "rdr-to") || mentions(line, "rdr ");
}

}  // namespace

std::string spamd_like_config(const SpamdSetup& setup) {
  Draft draft(kSpamdLike);
  draft.cut("# spamd-like.yaml", "store:");
  set_front_end(draft, setup.flags);
  set_exempt(draft, setup.never_asked);
  if (setup.flags.black_list_only)
    set_black_list_only(draft, setup);
  else
    set_greylisting(draft, setup);
  return "# deferd.yaml: in spamd's place, with its settings; made by `deferctl migrate spamd`. Check it with: deferd -t -c "
         "FILE\n\n" +
         draft.text();
}

std::vector<std::string> spamd_remarks(const SpamdSetup& setup) {
  std::vector<std::string> remarks;
  const auto& flags = setup.flags;
  if (!flags.low_priority_mx.empty())
    remarks.push_back("-M " + flags.low_priority_mx +
                      ": name the better MXs yourself, which -M does not know: low_priority_mx: " + "{addresses: [" +
                      yaml_text(flags.low_priority_mx) + "], better: [\"ADDRESS:25\"]}");
  if (!flags.sync.empty()) remarks.push_back("-y and -Y: sync with other hosts is not taken over");
  if (flags.black_list_only) remarks.push_back("-b: spamd kept no database, so there is nothing to import");
  if (!setup.spamd_conf.empty())
    remarks.push_back(setup.spamd_conf + ": deferd fetches these lists itself; take spamd-setup out of root's crontab");
  return remarks;
}

std::vector<std::string> rule_differences(std::string_view rules, const SpamdFlags& flags) {
  std::vector<std::string> lines;
  const auto port = "port " + std::to_string(flags.port);
  bool freebsd = false;
  each_line_of(rules, [&](std::string_view line, std::size_t) {
    const auto begin = line.find_first_not_of(" \t");
    if (begin == line.npos || line[begin] == '#') return;
    line.remove_prefix(begin);
    if (line.starts_with("rdr ") || line.starts_with("no rdr ")) freebsd = true;
    const bool redirect = is_redirect(line) && (mentions(line, "port spamd") || mentions(line, port));
    const bool logged = redirect && mentions(line, " log");
    const bool table = mentions(line, "<spamd") || mentions(line, "<nospamd>");
    if (redirect || table) lines.push_back((logged ? "? " : "= ") + std::string(line));
    if (logged) lines.emplace_back("    the redirect must not be logged to the interface that spamlogd or deferd-helper watches");
  });
  if (lines.empty())
    lines.push_back("= the rule that redirects to " + endpoint(flags) + ", and those with <spamd-white>, <nospamd>, <spamd>");
  lines.emplace_back("+ table <deferd-bypass> persist");
  lines.emplace_back(freebsd ? "+ no rdr proto tcp from <deferd-bypass> to any port smtp    # before the other rules"
                             : "+ pass in quick proto tcp from <deferd-bypass> to any port smtp    # before the other rules");
  lines.emplace_back("    everybody passes by it when deferd does not answer: deferd-helper --bypass pf:deferd-bypass");
  return lines;
}

}  // namespace deferd::ctl
