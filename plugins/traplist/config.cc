#include "config.h"

#include <algorithm>

#include "address_file.h"
#include "deferd/matchlist.h"
#include "socketmap.h"

namespace deferd {

// 192.0.2.1:25, [2001:db8::1]:25; port 25 may be left out.
Result<traplist::Endpoint> Codec<traplist::Endpoint>::parse(std::string_view text) {
  traplist::Endpoint endpoint;
  auto host = text;
  const auto colon = text.rfind(':');
  const bool bracketed = text.starts_with('[');
  const bool has_port = colon != text.npos && (bracketed ? text[colon - 1] == ']' : text.find(':') == colon);
  if (has_port) {
    auto port = Codec<std::uint16_t>::parse(text.substr(colon + 1));
    if (!port || *port == 0) return fail(Errc::invalid, "must end in a port of 1 to 65535");
    endpoint.port = *port;
    host = text.substr(0, colon);
  }
  if (bracketed && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  auto address = Address::parse(host);
  if (!address) return fail(Errc::invalid, "must be an address and a port such as 192.0.2.1:25 or [2001:db8::1]:25");
  endpoint.address = *address;
  return endpoint;
}

std::string Codec<traplist::Endpoint>::print(const traplist::Endpoint& value) {
  auto host = value.address.to_string();
  if (!value.address.is_v4()) host.insert(0, 1, '[').push_back(']');
  return host + ":" + std::to_string(value.port);
}

}  // namespace deferd

namespace deferd::traplist {
namespace {

using namespace std::chrono_literals;
constexpr std::size_t kBadLinesTold = 5;
constexpr std::size_t kTextMax = 2000;

std::string absolute(const std::string& path) { return path.starts_with('/') ? "" : "'" + path + "': must be an absolute path"; }

enum class Empty : std::uint8_t { taken, refused };

/// The file can be read; lines that stand for nothing are warned of.
void check_file(const std::string& file, Mark mark, const std::string& path, Problems& problems, Empty empty = Empty::taken) {
  std::size_t good = 0, bad = 0;
  auto read = read_address_file(file, [&](std::string_view word, std::size_t line) {
    auto wrong = wrong_address(word);
    if (wrong.empty()) ++good;
    if (wrong.empty() || ++bad > kBadLinesTold) return;
    problems.warning(mark, path, file + ":" + std::to_string(line) + ": " + detail::quote(word) + " " + wrong);
  });
  if (!read) problems.error(mark, path, read.error().what);
  if (read && good == 0 && empty == Empty::refused) problems.error(mark, path, file + ": has no recipient");
  if (bad > kBadLinesTold) problems.warning(mark, path, file + ": " + std::to_string(bad) + " lines are no addresses");
}

void check_files(const std::vector<std::string>& files, const Value* value, const std::string& path, Problems& problems,
                 Empty empty = Empty::taken) {
  for (std::size_t i = 0; i < files.size(); ++i) check_file(files[i], value->items()[i].mark(), path, problems, empty);
}

void check_addresses(const Config& config, const Value& value, const std::string& path, Problems& problems) {
  for (std::size_t i = 0; i < config.addresses.size(); ++i) {
    const auto& address = config.addresses[i];
    auto wrong = wrong_address(address);
    if (wrong.empty() && address.find('@') == address.npos) wrong = "has no @: a domain is written @example.org";
    if (!wrong.empty())
      problems.error(value.find("addresses")->items()[i].mark(), detail::join_path(path, "addresses"),
                     detail::quote(address) + " " + wrong);
  }
  check_files(config.files, value.find("files"), detail::join_path(path, "files"), problems);
}

void check_domains(const Config& config, const Value& value, const std::string& path, Problems& problems) {
  for (std::size_t i = 0; i < config.allowed_domains.size(); ++i)
    if (auto added = MailList().add(config.allowed_domains[i]); !added)
      problems.error(value.find("allowed_domains")->items()[i].mark(), detail::join_path(path, "allowed_domains"),
                     added.error().what);
  for (std::size_t i = 0; i < config.allowed_domains_files.size(); ++i) {
    std::vector<std::string> errors;
    const auto list = load_list<MailList>(config.allowed_domains_files[i], errors);
    const auto mark = value.find("allowed_domains_files")->items()[i].mark();
    const auto where = detail::join_path(path, "allowed_domains_files");
    for (auto& error : errors) problems.error(mark, where, std::move(error));
    if (errors.empty() && list->size() == 0) problems.error(mark, where, config.allowed_domains_files[i] + ": is empty");
  }
}

void check_published(const PublishedConfig& config, const Value& value, const std::string& path, Problems& problems) {
  check_file(config.file, value.find("file")->mark(), detail::join_path(path, "file"), problems);
  if (config.domains.empty()) problems.error(value.mark(), path, "domains: is empty: where shall the names be traps?");
  for (const auto& domain : config.domains)
    if (domain.empty() || domain.find_first_of("@ /*") != domain.npos)
      problems.error(value.find("domains")->mark(), detail::join_path(path, "domains"), detail::quote(domain) + " is no domain");
}

void check_recipients(const RecipientsConfig& config, const Value& value, const std::string& path, Problems& problems) {
  // An empty file is one that is being written, more likely than a site that wants no mail.
  check_files(config.files, value.find("files"), detail::join_path(path, "files"), problems, Empty::refused);
  if (!config.socketmap.empty())
    if (auto place = SocketmapPlace::parse(config.socketmap); !place)
      problems.error(value.find("socketmap")->mark(), detail::join_path(path, "socketmap"), place.error().what);
  if (config.trap_after > 0 && !config.on())
    problems.error(value.mark(), path, "trap_after needs 'files' or 'socketmap': else nobody is unknown");
}

std::string wrong_low_priority(const LowPriorityConfig& config) {
  if (config.addresses.empty() != config.better.empty())
    return "needs both 'addresses' (ours) and 'better' (those that senders have to try first)";
  for (const auto& endpoint : config.better)
    if (std::find(config.addresses.begin(), config.addresses.end(), endpoint.address) != config.addresses.end())
      return endpoint.address.to_string() + " is under 'better' and under 'addresses'";
  if (config.timeout > config.every) return "timeout must not be longer than 'every'";
  if (config.every * 3 > config.proven) return "'proven' must be at least three times 'every'";
  return {};
}

std::string wrong_text(const std::string& text) {
  if (text.empty() || text.size() > kTextMax) return "text: must have 1 to 2000 bytes";
  const auto bad = [](char c) { return (c < ' ' || c > '~') && c != '\n'; };
  return std::any_of(text.begin(), text.end(), bad) ? "text: must be printable ASCII" : "";
}

std::string wrong_publish(const PublishConfig& config) {
  if (config.table != kTrapped && config.table != kWhite) return "table: must be trapped or white";
  return absolute(config.file);
}

}  // namespace

Schema<PublishedConfig> PublishedConfig::schema() {
  return Schema<PublishedConfig>{}
      .required("file", &PublishedConfig::file, "A list of addresses or names; of each what stands before the @ counts.")
      .required("domains", &PublishedConfig::domains, "These names are traps at each of these domains.")
      .check(check_published);
}

Schema<ReplyConfig> ReplyConfig::schema() {
  return Schema<ReplyConfig>{}
      .field("code", &ReplyConfig::code, 400, 599, "SMTP reply code; with 4xx a wrong hit delays mail, with 5xx it bounces.")
      .field("enhanced", &ReplyConfig::enhanced, "Enhanced status code of the same class, or empty.")
      .field("text", &ReplyConfig::text, "What a trapped client hears, in spamd.conf's notation: %A is its address.")
      .rule([](const ReplyConfig& reply) -> std::string {
        if (reply.code == 421) return "code: 421 would hang up";
        if (!reply.enhanced.empty() && reply.enhanced[0] - '0' != reply.code / 100)
          return "enhanced: must begin with " + std::to_string(reply.code / 100) + ". as the code does";
        return wrong_text(reply.text);
      });
}

Schema<LowPriorityConfig> LowPriorityConfig::schema() {
  return Schema<LowPriorityConfig>{}
      .field("addresses", &LowPriorityConfig::addresses, "Addresses of ours that only the MX of the lowest priority has.")
      .field("better", &LowPriorityConfig::better, "Every better MX: each is asked whether it accepts connections.")
      .field("proven", &LowPriorityConfig::proven, 10s, 24h, "Nobody is trapped unless each accepted connections for so long.")
      .field("every", &LowPriorityConfig::every, 1s, 10min, "How often they are asked.")
      .field("timeout", &LowPriorityConfig::timeout, 100ms, 60s, "A better MX that has not answered by then does not accept.")
      .field("remember", &LowPriorityConfig::remember, 1min, std::chrono::hours{24 * 30},
             "Who has tried a better MX within this time may use any.")
      .rule(wrong_low_priority);
}

Schema<RecipientsConfig> RecipientsConfig::schema() {
  return Schema<RecipientsConfig>{}
      .field("files", &RecipientsConfig::files, "Files of our recipients: one a line, or postmap's source text.")
      .field("socketmap", &RecipientsConfig::socketmap, "A map server that knows them: unix:/path:NAME or inet:HOST:PORT:NAME.")
      .field("timeout", &RecipientsConfig::timeout, 10ms, 10s,
             "For all questions to the map server about one recipient; then it counts as known.")
      .field("trap_after", &RecipientsConfig::trap_after, 0U, 100U,
             "A client that named so many unknown recipients is trapped; 0 traps nobody for that.")
      .field("text", &RecipientsConfig::text, "What is said of an unknown recipient after 550 5.1.1.")
      .check(check_recipients)
      .rule([](const RecipientsConfig& config) { return wrong_text(config.text); });
}

Schema<PublishConfig> PublishConfig::schema() {
  return Schema<PublishConfig>{}
      .field("table", &PublishConfig::table, "Which table: trapped or white.")
      .required("file", &PublishConfig::file,
                "Where to; FILE.gz is written too. deferd's user must be able to write to the folder.")
      .field("every", &PublishConfig::every, 1min, std::chrono::hours{24 * 7}, "How often.")
      .rule(wrong_publish);
}

Schema<Config> Config::schema() {
  return Schema<Config>{}
      .field("addresses", &Config::addresses, "Trap addresses: user@example.org, @example.org (all of the domain), user@.")
      .field("files", &Config::files, "Files of trap addresses, one a line.")
      .field("published", &Config::published, "Lists that others publish, taken over for domains of ours.")
      .field("allowed_domains", &Config::allowed_domains, "Our domains: mail to any other is a hit; empty: no such check.")
      .field("allowed_domains_files", &Config::allowed_domains_files, "Files of them, one a line.")
      .field("duration", &Config::duration, 1min, std::chrono::hours{24 * 366},
             "A client is trapped for so long after its latest hit.")
      .field("hits", &Config::hits, 1U, 100U, "So many hits of a client trap it.")
      .field("within", &Config::within, 1min, std::chrono::hours{24 * 30}, "Hits count together for so long.")
      .field("null_sender", &Config::null_sender, "Whether mail from <> (bounces, address checks) can trap its client.")
      .field("ipv6_prefix", &Config::ipv6_prefix, 64, 128,
             "What of an IPv6 client is trapped; IPv4 clients are always trapped alone.")
      .field("reply", &Config::reply, "What a trapped client hears.")
      .field("low_priority_mx", &Config::low_priority_mx,
             "Who goes to the worst MX first is trapped; off unless 'addresses' are given.")
      .field("valid_recipients", &Config::valid_recipients, "Our recipients: others are rejected, and leave no record.")
      .field("publish", &Config::publish, "Tables written to files for others.")
      .check(check_addresses)
      .check(check_domains);
}

}  // namespace deferd::traplist
