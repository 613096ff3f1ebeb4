#include "smtp/smtp_config.h"

#include "smtp/smtp_address.h"
#include "smtp/texts.h"

namespace deferd::smtp {
namespace {

using std::chrono::hours, std::chrono::minutes, std::chrono::seconds;

constexpr int kMany = 1'000'000;

Mark mark_of(const Value& map, const char* key) {
  const auto* value = map.find(key);
  return value != nullptr ? value->mark() : map.mark();
}

// Printable ASCII from `lowest` on, that leaves room in a reply.
bool is_plain(std::string_view text, char lowest) {
  if (text.size() > 255) return false;
  for (const char c : text)
    if (c < lowest || c > '~') return false;
  return true;
}

void check_limits(const SmtpLimits& limits, const Value& value, const std::string& path, Problems& problems) {
  const auto within_total = [&](const char* name, int number) {
    if (value.find(name) != nullptr && number > limits.total)
      problems.error(mark_of(value, name), path + "." + name,
                     std::to_string(number) + " is more than total (" + std::to_string(limits.total) + ")");
  };
  within_total("kept", limits.kept);
  within_total("per_prefix", limits.per_prefix);
  within_total("tls", limits.tls);
  if (limits.idle > limits.session)
    problems.error(
        mark_of(value, "idle"), path,
        "idle (" + format_duration(limits.idle) + ") must not be longer than session (" + format_duration(limits.session) + ")");
}

std::string handover_wrong(const HandoverConfig& config) {
  if (config.to.empty()) return {};
  const auto to = SmtpAddress::parse(config.to);
  if (!to) return "to: " + detail::quote(config.to) + ": " + to.error().what;
  if (!to->is_unix() && to->tcp.port == 0) return "to: the MTA's port is missing";
  return {};
}

std::string tls_wrong(const TlsConfig& config) {
  if (config.certificate.empty() != config.key.empty())
    return "certificate and key belong together: " + std::string(config.key.empty() ? "key" : "certificate") + " is missing";
  if (config.certificate.empty() && !config.client_ca.empty()) return "client_ca is of no use without certificate and key";
  return {};
}

void check_proxy_from(const SmtpConfig& config, const Value& value, const std::string& path, Problems& problems) {
  for (std::size_t i = 0; i < config.proxy_from.size(); ++i)
    if (config.proxy_from[i].length() == 0)
      problems.warning(value.find("proxy_from")->items()[i].mark(), path + ".proxy_from[" + std::to_string(i) + "]",
                       "everybody may claim to be any client; name your balancers alone");
}

}  // namespace

Schema<SmtpTexts> SmtpTexts::schema() {
  static constexpr std::pair<const char*, std::string SmtpTexts::*> kTexts[] = {
      {"banner", &SmtpTexts::banner},       {"ready", &SmtpTexts::ready},
      {"sender_ok", &SmtpTexts::sender_ok}, {"recipient_ok", &SmtpTexts::recipient_ok},
      {"data", &SmtpTexts::data},           {"later", &SmtpTexts::later},
      {"busy", &SmtpTexts::busy},           {"goodbye", &SmtpTexts::goodbye},
  };
  return Schema<SmtpTexts>{}
      .field("banner", &SmtpTexts::banner, "220, the first line a client hears.")
      .field("ready", &SmtpTexts::ready, "250 to HELO and EHLO, after our name.")
      .field("sender_ok", &SmtpTexts::sender_ok, "250 to MAIL.")
      .field("recipient_ok", &SmtpTexts::recipient_ok, "250 to RCPT.")
      .field("data", &SmtpTexts::data, "354 to DATA; only clients that are turned away and kept busy hear it.")
      .field("later", &SmtpTexts::later, "451 where no plugin gave a text of its own.")
      .field("busy", &SmtpTexts::busy, "421 to a client beyond the limits.")
      .field("goodbye", &SmtpTexts::goodbye, "221 to QUIT, after our name.")
      .check([](const SmtpTexts& texts, const Value& value, const std::string& path, Problems& problems) {
        for (const auto& [name, text] : kTexts)
          if (auto wrong = check_text(texts.*text); !wrong.empty())
            problems.error(mark_of(value, name), path + "." + name, std::move(wrong));
      });
}

Schema<SmtpLimits> SmtpLimits::schema() {
  return Schema<SmtpLimits>{}
      .field("total", &SmtpLimits::total, 1, kMany,
             "Connections at a time, as far as descriptors allow (LimitNOFILE of the systemd unit, ulimit -n).")
      .field("kept", &SmtpLimits::kept, 0, kMany,
             "Clients turned away and kept busy at a time; beyond that those longest here are let go.")
      .field("per_prefix", &SmtpLimits::per_prefix, 1, kMany, "Connections at a time of one /24 (IPv4) or /64 (IPv6).")
      .field("new_per_prefix", &SmtpLimits::new_per_prefix, 0, kMany,
             "New connections a minute of one /24 or /64; 0 is no limit.")
      .field("tls", &SmtpLimits::tls, 0, kMany, "Connections inside TLS at a time; beyond that STARTTLS is refused for now.")
      .field("recipients", &SmtpLimits::recipients, 100, 100'000, "Recipients of one message.")
      .field("errors", &SmtpLimits::errors, 1, 1000, "Commands not understood or out of order, before the client is hung up on.")
      .field("idle", &SmtpLimits::idle, seconds{10}, hours{1}, "A client must say its next whole line within this time.")
      .field("session", &SmtpLimits::session, seconds{30}, hours{24},
             "No connection is older, but for clients kept busy or handed over.")
      .field("kept_session", &SmtpLimits::kept_session, minutes{1}, hours{24 * 7}, "No client is kept busy for longer.")
      .check(check_limits);
}

Schema<HandoverConfig> HandoverConfig::schema() {
  return Schema<HandoverConfig>{}
      .field(
          "to", &HandoverConfig::to,
          "The MTA that serves clients who passed: ADDRESS:PORT or unix:PATH; empty: nobody is handed over, who passed hears 451 "
          "once more, and the packet filter must lead its next try to the MTA.")
      .field("with", &HandoverConfig::with, "How the MTA learns who the client is; it must be set up to believe us.")
      .field("drain", &HandoverConfig::drain, seconds{0}, hours{1},
             "When asked to end, deferd lets clients that were handed over finish, for at most this long.")
      .field(
          "probe", &HandoverConfig::probe, seconds{5}, hours{1},
          "How often the MTA is asked whether it is there, what it offers, and that it would not take a stranger for one of us.")
      .field("led", &HandoverConfig::led, 1, kMany,
             "Clients that passed but are not white, and keep a connection to the MTA, at a time, a quarter of them of one "
             "network; beyond "
             "that they hear 451. Stay well below the number of clients that the MTA serves (Postfix: default_process_limit).")
      .rule(handover_wrong);
}

Schema<TlsConfig> TlsConfig::schema() {
  return Schema<TlsConfig>{}
      .field("certificate", &TlsConfig::certificate,
             "File, PEM: the certificate and those that vouch for it; empty: no STARTTLS.")
      .field("key", &TlsConfig::key,
             "File, PEM: the certificate's private key. The user that deferd runs as must be able to read it.")
      .field("minimum", &TlsConfig::minimum, "The oldest version of TLS that is spoken.")
      .field("ciphers", &TlsConfig::ciphers,
             "Ciphers of TLS 1.2, in the form of openssl-ciphers(1); empty: those of the library.")
      .field("client_ca", &TlsConfig::client_ca,
             "File, PEM: who may vouch for clients. A client whose certificate verifies is exempt; empty: none is asked for.")
      .field("mx_names", &TlsConfig::mx_names,
             "The names in the MX records of your domains: deferd -t warns when the certificate does not cover one.")
      .rule(tls_wrong);
}

Schema<SmtpConfig> SmtpConfig::schema() {
  return Schema<SmtpConfig>{}
      .field("name", &SmtpConfig::name, "Our host name in banner and replies; empty: the machine's.")
      .field("product", &SmtpConfig::product, "What %n stands for in texts.")
      .field(
          "voice", &SmtpConfig::voice,
          "The stage at which a decision is told to the client; default rcpt with hand-over, else data. With data, one deferred "
          "recipient defers the whole message.")
      .field(
          "texts", &SmtpConfig::texts,
          "What clients hear. %h stands for our name, %n for the product, %A for the client's address, %d for the date, %% for a "
          "percent sign.")
      .field("limits", &SmtpConfig::limits, "How many, how fast, how long.")
      .field("tls", &SmtpConfig::tls, "STARTTLS. Files are read again at a reload.")
      .field("handover", &SmtpConfig::handover, "Whether clients that passed are handed over to the MTA.")
      .field("proxy_from", &SmtpConfig::proxy_from,
             "Balancers: their connections must begin with a PROXY header (version 1 or 2); from nobody else it is taken.")
      .field("threads", &SmtpConfig::threads, 0, 64, "Threads that do input and output; 0: one a processor, at most 4.")
      .field("workers", &SmtpConfig::workers, 1, 1000, "Threads in which plugins are asked.")
      .field("window", &SmtpConfig::window, 0, 1 << 20,
             "Receive buffer, in bytes, while a client kept busy sends its message: small ones slow it down; 0: the system's.")
      .field("socket_owner", &SmtpConfig::socket_owner, "User who owns a unix socket; only root can give it away.")
      .field("socket_group", &SmtpConfig::socket_group, "Group of a unix socket: usually one the balancer is a member of.")
      .field("socket_mode", &SmtpConfig::socket_mode, "Permissions of a unix socket.")
      .rule([](const SmtpConfig& config) -> std::string {
        if (!is_plain(config.name, '!')) return "name: " + detail::quote(config.name) + " is no host name";
        if (!is_plain(config.product, ' ')) return "product: must be one short line of printable ASCII";
        return {};
      })
      .check(check_proxy_from);
}

}  // namespace deferd::smtp
