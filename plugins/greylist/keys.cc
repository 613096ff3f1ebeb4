#include "keys.h"

namespace deferd::greylist {
namespace {

std::string join(std::string_view letter, std::string_view a, std::string_view separator = {}, std::string_view b = {}) {
  std::string out;
  out.reserve(letter.size() + a.size() + separator.size() + b.size());
  out.append(letter).append(a).append(separator).append(b);
  return out;
}

}  // namespace

std::string pair_group(std::string_view folded_from, std::string_view folded_to) {
  return join(kPairGroups, folded_from, "\n", folded_to);
}

std::string spamd_group(std::string_view from, std::string_view to) { return join(kSpamdGroups, from, "\n", to); }

std::string identity_group(const Identity& identity) { return join("i", identity.key()); }

std::string expect_group(std::string_view folded_to) { return join("e", folded_to); }

std::string pair_key(std::string_view folded_from, std::string_view identity_key) {
  return folded_from.empty() ? join("p", identity_key) : "p";
}

std::string spamd_key(const Address& client, std::string_view helo) { return join("h", client.to_string(), "\n", helo); }

std::string domain_key(std::string_view domain) { return join("d", domain); }

bool is_tuple_key(std::string_view key) { return key.starts_with('a') || key.starts_with('n') || key.starts_with('h'); }

std::optional<Envelope> envelope_of(std::string_view group) {
  if (!group.starts_with(kPairGroups) && !group.starts_with(kSpamdGroups)) return std::nullopt;
  const auto end = group.find('\n');
  if (end == group.npos) return std::nullopt;
  return Envelope{std::string(group.substr(1, end - 1)), std::string(group.substr(end + 1))};
}

}  // namespace deferd::greylist
