#include "address_set.h"

#include <algorithm>

#include "deferd/ascii.h"

namespace deferd::traplist {

std::string fold(std::string_view address) {
  if (address.starts_with('<') && address.ends_with('>') && address.size() >= 2) address = address.substr(1, address.size() - 2);
  if (address.starts_with('@'))
    if (const auto colon = address.find(':'); colon != address.npos) address.remove_prefix(colon + 1);
  while (address.ends_with('.')) address.remove_suffix(1);
  return lower(address.substr(0, kAddressMax));
}

// The last @ divides: a quoted local part may hold others.
std::string_view local_part(std::string_view folded) {
  const auto at = folded.rfind('@');
  return at == folded.npos ? folded : folded.substr(0, at);
}

std::string_view domain_of(std::string_view folded) {
  const auto at = folded.rfind('@');
  return at == folded.npos ? std::string_view{} : folded.substr(at + 1);
}

// FNV-1a, stirred: the same on every machine, and quick for texts of this length.
std::uint64_t AddressSet::print_of(std::string_view text) {
  std::uint64_t print = 0xcbf29ce484222325;
  for (const char c : text) print = (print ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  print = (print ^ (print >> 33)) * 0xff51afd7ed558ccd;
  print = (print ^ (print >> 33)) * 0xc4ceb9fe1a85ec53;
  return print ^ (print >> 33);
}

void AddressSet::seal() {
  std::sort(prints_.begin(), prints_.end());
  prints_.erase(std::unique(prints_.begin(), prints_.end()), prints_.end());
  if (prints_.capacity() > prints_.size() + prints_.size() / 8) prints_.shrink_to_fit();
}

bool AddressSet::contains(std::string_view text) const {
  return std::binary_search(prints_.begin(), prints_.end(), print_of(text));
}

}  // namespace deferd::traplist
