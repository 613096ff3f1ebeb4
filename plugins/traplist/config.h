// What can be set; one row of README.md each.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "deferd/schema.h"
#include "deferd/tables.h"

namespace deferd::traplist {

/// Somebody's list of trap addresses, whose local parts are traps at domains of ours.
struct PublishedConfig {
  std::string file;
  std::vector<std::string> domains;
  static Schema<PublishedConfig> schema();
};

struct ReplyConfig {
  int code = 450;  ///< As spamd(8) without -5.
  std::string enhanced = "4.7.1";
  std::string text = "Mail from %A is not accepted at present, please try again later";
  static Schema<ReplyConfig> schema();
};

/// Where a better MX is asked whether it accepts connections.
struct Endpoint {
  Address address;
  std::uint16_t port = 25;
  bool operator==(const Endpoint&) const = default;
};

struct LowPriorityConfig {
  std::vector<Address> addresses;  ///< spamd(8) -M
  std::vector<Endpoint> better;
  std::chrono::seconds proven = std::chrono::minutes{10};
  std::chrono::seconds every = std::chrono::seconds{10};
  std::chrono::milliseconds timeout = std::chrono::seconds{8};
  std::chrono::seconds remember = std::chrono::hours{24};
  static Schema<LowPriorityConfig> schema();
};

struct RecipientsConfig {
  std::vector<std::string> files;
  std::string socketmap;
  std::chrono::milliseconds timeout{500};
  std::uint32_t trap_after = 0;
  std::string text = "No such user here";
  bool on() const { return !files.empty() || !socketmap.empty(); }
  static Schema<RecipientsConfig> schema();
};

struct PublishConfig {
  std::string table{kTrapped};
  std::string file;
  std::chrono::seconds every = std::chrono::hours{1};
  static Schema<PublishConfig> schema();
};

struct Config {
  std::vector<std::string> addresses;
  std::vector<std::string> files;
  std::vector<PublishedConfig> published;
  std::vector<std::string> allowed_domains;
  std::vector<std::string> allowed_domains_files;
  std::chrono::seconds duration = std::chrono::hours{24};  ///< spamd's trap time
  std::uint32_t hits = 1;
  std::chrono::seconds within = std::chrono::hours{24};
  bool null_sender = false;
  int ipv6_prefix = 128;
  ReplyConfig reply;
  LowPriorityConfig low_priority_mx;
  RecipientsConfig valid_recipients;
  std::vector<PublishConfig> publish;
  static Schema<Config> schema();
};

}  // namespace deferd::traplist

template <>
struct deferd::Codec<deferd::traplist::Endpoint> {
  static std::string type() { return "address:port"; }
  static Result<traplist::Endpoint> parse(std::string_view text);
  static std::string print(const traplist::Endpoint& value);
};
