// The mail of the benchmarks: 70% from strangers, 20% retries of tuples that have waited long enough, 10% from white clients.
// The same number always makes the same mail, so that the seeder and the load agree without talking.
#pragma once
#include <cstdint>
#include <string>

namespace deferd::bench {

enum class Kind : std::uint8_t { fresh, retry, white };
inline constexpr std::size_t kKinds = 3;

struct Mail {
  Kind kind = Kind::fresh;
  std::uint32_t client = 0;  ///< An IPv4 address. Only named within the milter protocol; no packet goes there.
  std::string helo, sender, recipient;
};

/// What the seeder has put into the store: tuple `n` of those that wait, from a client of its own.
Mail waiting_tuple(std::uint64_t n);
/// Client `n` of those with a row in the table `white`.
std::uint32_t white_client(std::uint64_t n);

/// Endless traffic on a store with so many tuples and white clients. A tuple is retried a second time only after every other one
/// has been.
class Traffic {
 public:
  Traffic(std::uint64_t tuples, std::uint64_t whites) : tuples_(tuples), whites_(whites) {}
  Mail operator()(std::uint64_t number) const;

 private:
  std::uint64_t tuples_;
  std::uint64_t whites_;
};

}  // namespace deferd::bench
