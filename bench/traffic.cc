#include "traffic.h"

#include <fmt/format.h>

#include "letters.h"

namespace deferd::bench {
namespace {

constexpr std::uint32_t kWaitingNet = 0x0b000000, kWhiteNet = 0x0c000000, kFreshNet = 0x0d000000;  // 11/8, 12/8, 13/8
constexpr std::uint64_t kFreshNames = 1ULL << 40, kWhiteNames = 2ULL << 40;                        // nobody else is called so
constexpr std::uint64_t kOdd = 2654435761;  // times an odd number, and modulo a power of two: every number once, in no order

std::uint32_t scattered(std::uint32_t net, std::uint64_t n) { return net | static_cast<std::uint32_t>(n * kOdd & 0xffffff); }

std::string name(std::uint64_t n) { return "anna-" + in_letters(n); }

Mail mail(Kind kind, std::uint32_t client, std::uint64_t n) {
  const auto domain = fmt::format("d{}.example.net", n % 5003);
  return {kind, client, fmt::format("mx{}.{}", n % 97, domain), name(n) + "@" + domain, fmt::format("r{}@example.org", n % 9973)};
}

}  // namespace

Mail waiting_tuple(std::uint64_t n) { return mail(Kind::retry, scattered(kWaitingNet, n), n); }

std::uint32_t white_client(std::uint64_t n) { return scattered(kWhiteNet, n); }

Mail Traffic::operator()(std::uint64_t number) const {
  const auto round = number / 10;
  switch (number % 10) {
    case 2:
    case 7:
      return waiting_tuple((round * 2 + (number % 10 == 7 ? 1 : 0)) * kOdd % tuples_);
    case 5:
      return mail(Kind::white, white_client(round * kOdd % whites_), kWhiteNames + number);
    default:
      return mail(Kind::fresh, scattered(kFreshNet, number), kFreshNames + number);
  }
}

}  // namespace deferd::bench
