// pfctl's listings. Their shapes: FreeBSD's `no rdr on em0 inet proto tcp from <t> to any port = smtp` and
// `rdr pass on em0 inet proto tcp from any to any port = smtp -> 127.0.0.1 port 8025`; OpenBSD's and newer FreeBSD's
// `pass in log (to pflog1) on egress proto tcp from <t> to any port = 25 flags S/SA ... divert-to 127.0.0.1 port 8025`.
#include <algorithm>
#include <charconv>
#include <optional>

#include "ctl/fields.h"
#include "ctl/packet_filter.h"

namespace deferd::ctl {
namespace {

bool is_smtp(std::string_view port) { return port == "25" || port == "smtp"; }

/// One line, word by word.
class PfLine {
 public:
  PfLine(std::string_view line, PacketFilter& filter) : words_(words_of(line)), filter_(filter) {
    rule_.text = line.substr(std::min(line.find_first_not_of(" \t"), line.size()));
  }

  /// Nullopt: no new mail connection from outside matches it, or not one of a stranger or of a table's members.
  std::optional<FilterRule> read(bool translation) {
    rule_.at_once = translation;
    if (!begin(translation)) return std::nullopt;
    while (more()) word(next());
    if (!rule_.log.empty()) filter_.logs.push_back(rule_.log);
    const bool redirects = rule_.does == FilterRule::Does::redirect;
    // Somebody's own wider rules count only as far as they are sure to be about strangers' mail.
    const bool sure = redirects || rule_.names_port || !narrow_;
    return matches_ && sure && (!redirects || rule_.names_port) ? std::optional(std::move(rule_)) : std::nullopt;
  }

 private:
  bool more() const { return at_ < words_.size(); }
  std::string_view next() { return more() ? words_[at_++] : std::string_view(); }
  bool take(std::string_view word) {
    if (!more() || words_[at_] != word) return false;
    ++at_;
    return true;
  }

  bool begin(bool translation) {
    const auto first = next();
    if (translation) {
      if (first == "no") return next() == "rdr";
      if (first != "rdr") return false;
      rule_.does = FilterRule::Does::redirect;
      take("pass");
      return true;
    }
    if (first == "block") rule_.does = FilterRule::Does::block;
    if (first == "match") matches_ = false;  // it decides nothing, but may log
    return first == "pass" || first == "block" || first == "match";
  }

  void word(std::string_view word) {
    if (word == "out") matches_ = false;
    if (word == "quick") rule_.at_once = true;
    if (word == "inet") rule_.v6 = false;
    if (word == "inet6") rule_.v4 = false;
    if (word == "log") log();
    if (word == "on") on();
    if (word == "proto") matches_ = next() == "tcp" && matches_;
    if (word == "from") from();
    if (word == "to") to();
    if (word == "->" || word == "rdr-to" || word == "divert-to") target();
  }

  /// `log`, `log (to pflog1)`, `log (all, to pflog1)`
  void log() {
    rule_.log = "pflog0";
    if (!more() || !words_[at_].starts_with('(')) return;
    while (more()) {
      const auto option = next();
      if (option.starts_with("pflog")) rule_.log = option.substr(0, option.find_first_of(",)"));
      if (option.ends_with(')')) return;
    }
  }

  void on() {
    if (take("any")) return;
    if (take("!"))
      narrow_ = true, next();
    else
      rule_.interfaces = {std::string(next())};
  }

  struct Host {
    bool any = false;
    bool negated = false;
    std::string table;
  };
  Host host() {
    Host host;
    host.negated = take("!");
    auto text = next();
    if (text.starts_with('!')) {
      host.negated = true;
      text.remove_prefix(1);
    }
    host.any = text == "any";
    if (text.starts_with('<')) host.table = text.substr(1, text.find('>') - 1);
    if (!host.table.empty()) filter_.referenced.push_back(host.table);
    return host;
  }

  void from() {
    const Host source = host();
    if (source.any) return port_of_source();
    if (source.table.empty()) matches_ = matches_ && source.negated;  // one's own hosts are no strangers
    rule_.set = source.table;
    rule_.but_members = source.negated && !source.table.empty();
    port_of_source();
  }
  void port_of_source() {
    if (take("port")) matches_ = false;
  }

  void to() {
    narrow_ = !host().any || narrow_;
    if (!take("port")) return;
    take("=");
    if (is_smtp(next()))
      rule_.names_port = true;
    else
      matches_ = false;
  }

  void target() {
    rule_.does = FilterRule::Does::redirect;
    rule_.address = next();
    if (!take("port")) return;
    const auto port = next();
    std::from_chars(port.data(), port.data() + port.size(), rule_.port);
  }

  std::vector<std::string_view> words_;
  std::size_t at_ = 0;
  PacketFilter& filter_;
  FilterRule rule_;
  bool matches_ = true;
  bool narrow_ = false;  // only for some addresses or interfaces
};

void read(std::string_view text, bool translation, PacketFilter& filter) {
  RuleChain chain;
  chain.name = translation ? "translation" : "filter";
  int depth = 0;
  each_line_of(text, [&](std::string_view line, std::size_t) {
    if (line.ends_with('{')) ++depth;
    const bool within = depth > 0;
    const auto words = words_of(line);
    if (words.size() == 1 && words.front() == "}") --depth;
    if (auto rule = PfLine(line, filter).read(translation); rule && !within) chain.rules.push_back(std::move(*rule));
  });
  filter.chains.push_back(std::move(chain));
}

}  // namespace

void read_pf_translation(std::string_view text, PacketFilter& filter) { read(text, true, filter); }
void read_pf_rules(std::string_view text, PacketFilter& filter) { read(text, false, filter); }

void read_pf_tables(std::string_view text, PacketFilter& filter) {
  each_line_of(text, [&](std::string_view line, std::size_t) {
    if (const auto words = words_of(line); !words.empty()) filter.declared.emplace_back(words.front());
  });
}

}  // namespace deferd::ctl
