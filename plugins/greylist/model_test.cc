// Random days of mail, deletions and traps: the plugin and a naive model of what README.md promises always agree.
#include <map>
#include <random>
#include <tuple>

#include "greylist_fixture.h"

namespace deferd::greylist {
namespace {

// The rules, written once more, in the plainest way: maps that are never cleaned.
class Model {
 public:
  explicit Model(const Config& config) : config_(config) {}

  bool attempt(Time now, const std::string& client, const std::string& from, const std::string& to) {
    if (until(trapped_, client) > now) return false;
    const auto network = client.substr(0, client.rfind('.'));
    auto& tuple = tuples_[{network, from, to}];
    auto& pair = pairs_[{from.empty() ? network : "", from, to}];
    const bool known = tuple.exists && usable(tuple, now, client);  // to this client; a neighbour may see it otherwise
    if (pair.exists && now >= pair.first + config_.grey_expiry) pair = {};
    const bool ripe = known && (tuple.passed != Time{} || now >= tuple.first + config_.pass_time);

    if (until(white_, client) > now) {
      if (ripe && tuple.passed == Time{}) tuple.passed = now;
      pair = {};
      return true;
    }
    if (ripe) {
      tuple.passed = now;
      pair = {};
      white_[client] = now + config_.white_expiry;
      return true;
    }
    if (config_.max_wait != 0s && pair.exists && now >= pair.first + config_.max_wait) {
      pair = {};
      return true;
    }
    if (!known) tuple = {true, now, {}};
    if (!pair.exists) pair = {true, now, {}};
    return false;
  }
  void erase_white(Time now, const std::string& client) {
    white_.erase(client);
    revoked_[client] = now;
  }
  void trap(Time until, const std::string& client) { trapped_[client] = until; }
  bool is_white(Time now, const std::string& client) { return until(white_, client) > now; }

 private:
  struct Seen {
    bool exists = false;
    Time first{}, passed{};
  };
  static Time until(const std::map<std::string, Time>& times, const std::string& client) {
    const auto it = times.find(client);
    return it == times.end() ? Time{} : it->second;
  }
  bool usable(const Seen& tuple, Time now, const std::string& client) const {
    const auto revoked = until(revoked_, client);
    if (tuple.passed != Time{}) return now < tuple.passed + config_.white_expiry && tuple.passed > revoked;
    return now < tuple.first + config_.grey_expiry && tuple.first >= revoked;
  }

  const Config config_;
  std::map<std::tuple<std::string, std::string, std::string>, Seen> tuples_, pairs_;
  std::map<std::string, Time> white_, revoked_, trapped_;
};

class ModelTest : public GreylistTest, public ::testing::WithParamInterface<unsigned> {};

TEST_P(ModelTest, AgreesWithThePlugin) {
  std::mt19937 random(GetParam());
  const auto pick = [&](int n) { return std::uniform_int_distribution(0, n - 1)(random); };
  Config config;
  config.white_expiry = std::chrono::hours{24 * 3};
  config.known_senders.pairs = 0;
  config.quota.burst = 0;
  config.max_wait = GetParam() % 3 == 0 ? 0s : 60min;
  configure(config);
  Model model(config);

  const std::vector<Duration> pauses = {0s, 1s, 30s, 2min, 150s, 5min, 10min, 25min, 60min, 3h, 8h, 30h};
  const std::vector<std::string> senders = {"a@example.org", "b@example.org", "c@example.com", ""};
  int passed = 0;
  for (int i = 0; i < 4000; ++i) {
    after(pauses[static_cast<std::size_t>(pick(100) < 80 ? pick(8) : pick(12))]);
    const auto now = host.clock().now();
    const auto client = "192.0." + std::to_string(pick(4)) + "." + std::to_string(1 + pick(3));
    const auto event = pick(100);
    if (event < 3) {
      erase_white(client);
      model.erase_white(now, client);
    } else if (event < 5) {
      put(kTrapped, client, "operator", 2h);
      model.trap(now + 2h, client);
    } else {
      const auto& from = senders[static_cast<std::size_t>(pick(4))];
      const auto to = std::string(1, static_cast<char>('x' + pick(2))) + "@example.net";
      const bool expected = model.attempt(now, client, from, to);
      const auto verdict = attempt(client, from, to);
      ASSERT_EQ(verdict.action == Action::pass, expected) << "event " << i << ": " << verdict.reason;
      passed += expected;
    }
    ASSERT_EQ(white_row(client).has_value(), model.is_white(now, client)) << "event " << i;
  }
  EXPECT_GT(passed, 100);
  EXPECT_LT(passed, 3900);
}
INSTANTIATE_TEST_SUITE_P(Seeds, ModelTest, ::testing::Range(1U, 7U));

}  // namespace
}  // namespace deferd::greylist
