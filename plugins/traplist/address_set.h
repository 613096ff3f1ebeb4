// Very many mail addresses in little memory, and how an address is written to be found among them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace deferd::traplist {

/// No folded address is longer: a local part of 64, an @, a domain of 255 (RFC 5321 section 4.5.3.1), and room to be wrong.
inline constexpr std::size_t kAddressMax = 512;

/// Lower case, without <>, without source route (RFC 5321 appendix C), without a dot at the end of the domain; bounded.
std::string fold(std::string_view address);

std::string_view local_part(std::string_view folded);
std::string_view domain_of(std::string_view folded);  ///< Empty if there is none.

/// A set of texts that keeps 8 bytes of each: a fingerprint of 64 bits. Among ten million addresses a foreign one is taken for
/// one of them with a probability of 1 in 10^12. Filled by one thread, sealed, and then read by any number.
class AddressSet {
 public:
  void reserve(std::size_t entries) { prints_.reserve(entries); }
  void add(std::string_view text) { prints_.push_back(print_of(text)); }
  void seal();  ///< After the last add(), before the first contains().

  bool contains(std::string_view text) const;
  std::size_t size() const { return prints_.size(); }
  std::size_t bytes() const { return prints_.capacity() * sizeof(std::uint64_t); }

 private:
  static std::uint64_t print_of(std::string_view text);
  std::vector<std::uint64_t> prints_;  // sorted once sealed
};

}  // namespace deferd::traplist
