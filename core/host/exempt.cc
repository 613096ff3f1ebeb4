#include "host/exempt.h"

namespace deferd {
namespace {

HostList host_list(const std::vector<HostEntry>& entries) {
  HostList list;
  for (const auto& entry : entries) or_throw(list.add(entry.text));
  return list;
}

void check_files(const ExemptConfig& config, const Value& value, const std::string& path, Problems& problems) {
  for (std::size_t i = 0; i < config.files.size(); ++i) {
    std::vector<std::string> errors;
    load_list<HostList>(config.files[i], errors);
    for (auto& error : errors)
      problems.error(value.find("files")->items()[i].mark(), detail::join_path(path, "files"), std::move(error));
  }
}

}  // namespace

Result<HostEntry> Codec<HostEntry>::parse(std::string_view text) {
  HostEntry entry{std::string(text)};
  if (text.find('/') != std::string_view::npos && !text.starts_with('/')) {
    if (auto prefix = Prefix::parse(text); !prefix) return tl::unexpected(prefix.error());
    return entry;
  }
  if (auto added = HostList().add(text); !added) return tl::unexpected(added.error());
  return entry;
}

Schema<ExemptConfig> ExemptConfig::schema() {
  return Schema<ExemptConfig>{}
      .field("networks", &ExemptConfig::networks, "Clients within these are ours; [] is nobody.")
      .field("own_mx", &ExemptConfig::own_mx, "Our other mail exchangers: they have let in whom they send us.")
      .field("relays", &ExemptConfig::relays, "Hosts that forward to us what others sent them.")
      .field("files", &ExemptConfig::files,
             "Lists of clients, one a line: addresses, prefixes, names, /expressions/; postgrey's client whitelist as it is.")
      .field("authenticated", &ExemptConfig::authenticated, "Clients that have logged in are exempt.")
      .field("certificates", &ExemptConfig::certificates, "Clients whose TLS certificate the MTA has verified are exempt.")
      .check(check_files);
}

Exempt::Exempt(const ExemptConfig& config)
    : authenticated_(config.authenticated),
      certificates_(config.certificates),
      own_mx_(host_list(config.own_mx)),
      relays_(host_list(config.relays)) {
  for (const auto& network : config.networks) networks_.add(network);
}

std::shared_ptr<const Exempt> Exempt::build(const ExemptConfig& config, Problems& problems) {
  std::vector<std::string> errors;
  std::shared_ptr<Exempt> exempt(new Exempt(config));
  for (const auto& file : config.files) exempt->files_.emplace_back(file, load_list<HostList>(file, errors));
  for (auto& error : errors) problems.error({}, "exempt.files", std::move(error));
  if (!errors.empty()) return nullptr;
  exempt->collect_addresses();
  return exempt;
}

void Exempt::collect_addresses() {
  PrefixSetBuilder builder;
  const auto add = [&](const Prefix& prefix) { builder.add(prefix); };
  networks_.each(add);
  own_mx_.prefixes().each(add);
  relays_.prefixes().each(add);
  for (const auto& [file, list] : files_) list->prefixes().each(add);
  addresses_ = std::make_shared<const PrefixSet>(builder.build());
}

std::optional<std::string> Exempt::reason(const Session& session) const {
  if (authenticated_ && !session.auth.empty()) return "authenticated as " + session.auth;
  if (certificates_ && !session.tls_subject.empty()) return "verified certificate of " + session.tls_subject;
  if (const auto hit = networks_.find(session.client)) return "own network " + hit->entry;
  if (const auto hit = own_mx_.find(session.client, session.client_name)) return "own mx " + hit->entry;
  if (const auto hit = relays_.find(session.client, session.client_name)) return "relay " + hit->entry;
  for (const auto& [file, list] : files_)
    if (const auto hit = list->find(session.client, session.client_name))
      return "listed in " + file + ":" + std::to_string(hit->line);
  return std::nullopt;
}

}  // namespace deferd
