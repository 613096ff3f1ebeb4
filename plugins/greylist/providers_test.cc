// How real senders retry, and when they get in with the defaults. Documented schedules of MTA programs, measured ones of webmail
// providers (shapes, not promises), and what spammers do.
#include <algorithm>
#include <cmath>
#include <random>

#include "greylist_fixture.h"

namespace deferd::greylist {
namespace {

using Schedule = std::vector<Duration>;  // since the first try, which is not in it

Duration at(int minutes, int seconds) { return Duration(minutes * 60 + seconds); }

// Addresses a sender uses, one after the other.
Address in_own_network(std::size_t n) { return Address::v4(0xC6336407 + static_cast<std::uint32_t>(n)); }
Address each_in_its_own(std::size_t n) { return Address::v4(0x0B000007 + (static_cast<std::uint32_t>(n) << 10)); }

struct Sender {
  const char* name;
  Schedule tries;
  std::size_t addresses = 1;  ///< Taken in turn.
  bool near = true;           ///< They share a /24.
  // expected
  Duration in;  ///< When it gets in; 0: never.
  const char* by;
};
void PrintTo(const Sender& sender, std::ostream* out) { *out << sender.name; }

Schedule each(Duration step, Duration until) {
  Schedule tries;
  for (auto t = step; t <= until; t += step) tries.push_back(t);
  return tries;
}
Schedule then(Schedule tries, const Schedule& more) {
  const auto last = tries.empty() ? Duration(0) : tries.back();
  for (const auto step : more) tries.push_back(last + step);
  return tries;
}
// Waits that grow by `factor`.
Schedule growing(Duration first, double factor, int count) {
  Schedule tries;
  double wait = static_cast<double>(first.count());
  double time = 0;
  for (int i = 0; i < count; ++i, wait *= factor) tries.push_back(Duration(static_cast<long>(time += wait)));
  return tries;
}
Schedule postfix() {  // the next wait is the message's age, within 300 to 4000 s
  Schedule tries;
  for (Duration age(0); age < 5h; tries.push_back(age)) age += std::clamp(age, Duration(300), Duration(4000));
  return tries;
}
Schedule squares(int factor, int count) {
  Schedule tries;
  for (int n = 1; n <= count; ++n) tries.push_back(Duration(factor * n * n));
  return tries;
}
const Schedule kGmail = {at(6, 2), at(29, 2), at(56, 36), at(98, 44), at(162, 3), at(229, 44), at(309, 5), at(434, 46)};
const Schedule kQq = {at(5, 5),   at(5, 11),  at(5, 17),  at(6, 19),   at(8, 22),  at(12, 25),
                      at(20, 29), at(52, 31), at(84, 35), at(144, 42), at(204, 56)};
const Schedule kMailRu = {at(1, 18), at(19, 15), at(49, 14), at(79, 49), at(113, 20), at(154, 18), at(187, 53)};
const Schedule kMailCom = {at(5, 2), at(12, 37), at(23, 59), at(41, 3), at(66, 38), at(105, 1)};
const Schedule kGmx = {at(5, 1), at(12, 33), at(23, 50), at(40, 46), at(66, 9), at(104, 14)};
const Schedule kExchangeOnline = then({15min, 30min, 45min}, each(60min, 23h));

const Sender kPoolSenders[] = {
    // MTA programs, from one address
    {"postfix", postfix(), 1, true, 300s, "retried"},
    {"exim", then(each(15min, 2h), growing(1h, 1.5, 6)), 1, true, 15min, "retried"},
    {"sendmail -q15m", each(15min, 5h), 1, true, 15min, "retried"},
    {"sendmail -q60m", each(60min, 24h), 1, true, 60min, "retried"},
    {"qmail", squares(400, 10), 1, true, 400s, "retried"},
    {"opensmtpd", squares(400, 10), 1, true, 400s, "retried"},
    {"exchange server", then({1min, 2min, 3min, 4min}, each(5min, 30min)), 1, true, 9min, "retried"},
    {"haraka", growing(64s, 2, 13), 1, true, Duration(64 + 128 + 256), "retried"},
    {"maddy", growing(15min, 1.25, 20), 1, true, 15min, "retried"},
    {"mox", growing(450s, 2, 8), 1, true, 450s, "retried"},
    {"chasquid", {60s, 6min, 16min, 36min, 56min}, 1, true, 6min, "retried"},
    // webmail providers
    {"gmail, pool in one network", kGmail, 7, true, at(6, 2), "retried"},
    {"gmail, pool over networks", kGmail, 7, false, at(98, 44), "max_wait"},
    {"yahoo", {at(2, 7), at(5, 39), at(12, 58), at(27, 16)}, 1, true, at(5, 39), "retried"},
    {"hotmail", {at(1, 1), at(2, 3), at(3, 4), at(5, 6), at(8, 7)}, 1, true, at(5, 6), "retried"},
    {"qq, two addresses near", kQq, 2, true, at(5, 5), "retried"},
    {"qq, two addresses apart", kQq, 2, false, at(5, 11), "retried"},
    {"mail.ru, pool in one network", kMailRu, 7, true, at(19, 15), "retried"},
    {"mail.ru, pool over networks", kMailRu, 7, false, at(79, 49), "max_wait"},
    {"yandex", {at(1, 5), at(2, 58), at(6, 53), at(14, 55)}, 1, true, at(6, 53), "retried"},
    {"mail.com, two addresses near", kMailCom, 2, true, at(5, 2), "retried"},
    {"mail.com, two addresses apart", kMailCom, 2, false, at(12, 37), "retried"},
    {"gmx, three addresses near", kGmx, 3, true, at(5, 1), "retried"},
    {"gmx, three addresses apart", kGmx, 3, false, at(23, 50), "retried"},
    {"aol, gives up after half an hour", {at(5, 32), at(11, 32), at(21, 32), at(31, 32)}, 1, true, at(5, 32), "retried"},
    {"india.com", {at(6, 21), at(16, 21), at(36, 21)}, 1, true, at(6, 21), "retried"},
    {"exchange online, hundreds of sources", kExchangeOnline, 400, false, 105min, "max_wait"},
    {"sendgrid", {1min, 10min, 1h, 4h}, 1, true, 10min, "retried"},
    {"sendgrid, each from elsewhere", {1min, 10min, 1h, 4h}, 28, false, 1h, "max_wait"},
    {"mailgun", {10min, 30min, 1h}, 1, true, 10min, "retried"},
    {"sparkpost", {20min, 60min, 140min, 300min}, 1, true, 20min, "retried"},
    {"bitdefender relay", each(30min, 4h), 1, true, 30min, "retried"},
    {"gives up after three hours", {1h, 2h, at(179, 0)}, 5, false, 1h, "max_wait"},
    {"slow, near the end of the window", {at(479, 0)}, 1, true, at(479, 0), "retried"},
    {"a burst of early retries, then hours of silence", {1s, 2s, 3s, 4s, 5s, 3h}, 3, false, 3h, "retried"},
    // spammers
    {"one shot", {}, 1, true, 0s, ""},
    {"a burst, then gone", {1s, 2s, 3s, 4s, 5s, 6s}, 1, true, 0s, ""},
    {"a burst from everywhere, then gone", each(2s, 2min), 60, false, 0s, ""},
    {"each minute, four times", each(1min, 4min), 1, true, 0s, ""},
    {"patient enough: other plugins must see to it", each(1min, 10min), 1, true, 5min, "retried"},
};

class Providers : public GreylistTest, public ::testing::WithParamInterface<Sender> {};

TEST_P(Providers, GetInWhenExpected) {
  const auto& sender = GetParam();
  const auto start = host.clock().now();
  Schedule tries = {0s};
  tries.insert(tries.end(), sender.tries.begin(), sender.tries.end());
  Duration in{};
  for (std::size_t n = 0; n < tries.size() && in == 0s; ++n) {
    host.clock().advance(start + tries[n] - host.clock().now());
    const auto client = (sender.near ? in_own_network : each_in_its_own)(n % sender.addresses);
    if (passes(client.to_string())) in = tries[n];
  }
  EXPECT_EQ(in, sender.in);
  if (in == 0s) return;
  EXPECT_EQ(answers(sender.by), 1U);
  EXPECT_EQ(delays(), std::vector<double>{static_cast<double>(in.count())});
}
INSTANTIATE_TEST_SUITE_P(Retry, Providers, ::testing::ValuesIn(kPoolSenders));

class ProviderTest : public GreylistTest {};

TEST_F(ProviderTest, DualStackRetriesWaitNoLongerThanMaxWait) {
  attempt("2001:db8::7");
  for (int i = 1; i <= 5; ++i) {
    after(10min);
    attempt("198.51.100.7");
    host.clock().advance(0s);
  }
  // its IPv4 address has retried by then
  EXPECT_EQ(answers("retried"), 1U);
  EXPECT_EQ(delays(), std::vector<double>{20 * 60});
}

TEST_F(ProviderTest, AlternatingFamiliesGetInByTheSecondTryOfEither) {
  attempt("2001:db8::7");
  after(5min);
  EXPECT_FALSE(passes("198.51.100.7"));
  after(5min);
  EXPECT_TRUE(passes("2001:db8::7"));
}

TEST_F(ProviderTest, APoolOnceSeenIsKnown) {
  // Three mails of one company through a hosted pool; the fourth does not wait.
  for (int mail = 0; mail < 3; ++mail) {
    const auto to = "user" + std::string(1, static_cast<char>('a' + mail)) + "@example.net";
    attempt("198.51.100." + std::to_string(10 + mail), kFrom, to);
    after(15min);
    EXPECT_TRUE(passes("198.51.100." + std::to_string(50 + mail), kFrom, to));
  }
  EXPECT_TRUE(passes("198.51.100.99", "sales@example.org", "new@example.net"));
}

TEST_F(ProviderTest, SendersThatChangeWithEachTryAreOnePair) {
  attempt("198.51.100.7", "bounce-1001-0a1b2c3d4e5f@example.org");
  after(15min);
  EXPECT_TRUE(passes("198.51.100.7", "bounce-1002-9f8e7d6c5b4a@example.org"));
}

TEST_F(ProviderTest, BouncesOfAnotherPoolGetInByTheirNetwork) {
  attempt("108.177.16.10", "");
  after(15min);
  EXPECT_TRUE(passes("108.177.16.77", ""));
}

TEST_F(ProviderTest, ADatabaseFlooderLeavesNoMoreThanItsQuota) {
  for (int i = 0; i < 20'000; ++i)
    attempt("192.0.2." + std::to_string(i % 250), "x" + std::string(1, static_cast<char>('a' + i % 26)) +
                                                      std::to_string(i % 997) + "q@example" + std::to_string(i) + ".org");
  EXPECT_EQ(answers("new"), 500U);
  EXPECT_EQ(records(), 1000U);
  EXPECT_EQ(answers("quota"), 19'500U);
}

TEST_F(ProviderTest, SnowshoeWithoutRetriesGetsNothingIn) {
  for (int round = 0; round < 3; ++round) {
    for (int i = 1; i < 100; ++i) {
      const auto n = round * 100 + i;
      EXPECT_FALSE(passes("203.0.113." + std::to_string(i), "offer@brand" + std::to_string(n) + ".example",
                          "u" + std::to_string(n % 7) + "x@example.net"));
    }
    after(20min);
  }
}

TEST_F(ProviderTest, ADictionaryAttackGetsNothingIn) {
  for (int i = 0; i < 300; ++i) {
    EXPECT_FALSE(passes("203.0.113.7", kFrom, "name" + std::to_string(i) + "z@example.net"));
    after(1s);
  }
  EXPECT_FALSE(white_row("203.0.113.7"));
}

}  // namespace
}  // namespace deferd::greylist
