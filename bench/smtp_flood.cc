// A flood of bots on an SMTP front end, and honest clients among them who share their networks and write to the same recipients.
// Prints one line of JSON.
//
//   smtp_flood --port 2525 --seconds 600 [--bots 15000] [--honest 50] [--retry-after 25]
//
// Every network is a /24 below 127.0.0.0/8 or a /64 below fd00::/16 (which must be routed to this host). Four of five bots have
// addresses whose last byte is below kListed: they take what they are told as slowly as they are told it. The fifth hesitates
// between MAIL and RCPT. Whatever becomes of them, they come back. Every mail of an honest client is tried twice.
#include <fmt/format.h>
#include <netinet/in.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>
#include <deque>
#include <queue>
#include <vector>

#include "smtp_figures.h"
#include "smtp_load_loop.h"

namespace deferd::bench {
namespace {

using namespace std::chrono_literals;
using Outcome = SmtpLoadConnection::Outcome;
using Role = SmtpLoadConnection::Role;

constexpr std::uint64_t kBotNetworks = 3000;  // half of them IPv6
constexpr std::uint64_t kRecipients = 1000;
constexpr std::uint64_t kListed = 5;        // hosts 1 to 4 of each network
constexpr std::uint64_t kFirstHonest = 16;  // host
constexpr std::uint64_t kHonestHosts = 230;
constexpr double kInTime = 1;  // seconds, for a whole reply
constexpr double kGivesUp = 30;
constexpr double kSlowestFirstByte = 2;         // one second more than it is stuttered
constexpr double kHesitation = 10, kPause = 5;  // of bots

struct Options {
  std::uint16_t port = 0;
  std::size_t bots = 15'000;
  double seconds = 600, rate = 1000, honest = 50, retry_after = 25;
};

sockaddr_storage address(std::uint64_t network, std::uint64_t host) {
  sockaddr_storage result{};
  if (network % 2 == 0) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(result);
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(static_cast<std::uint32_t>(0x7F010000u + (network << 8) + host));
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(result);
    v6.sin6_family = AF_INET6;
    // Each in a /48 of its own: what a site is given at once.
    const std::uint8_t bytes[16] = {
        0xfd, 0, 0, 0, static_cast<std::uint8_t>(network >> 8), static_cast<std::uint8_t>(network), 0, 0, 0, 0, 0,
        0,    0, 0, 0, static_cast<std::uint8_t>(host)};
    std::memcpy(&v6.sin6_addr, bytes, sizeof bytes);
  }
  return result;
}

std::string recipient(std::uint64_t n) { return fmt::format("r{}@example.net", n % kRecipients); }

class Flood {
 public:
  explicit Flood(const Options& options)
      : options_(options), bot_loop_(options.port), honest_loop_(options.port), bots_(options.bots) {}
  std::string run();

 private:
  struct Bot : SmtpLoadConnection {
    std::uint64_t tries = 0;
    double wake_at = 0;
  };
  struct Due {
    double when;
    std::size_t bot;
    bool operator>(const Due& other) const { return when > other.when; }
  };

  double now() const { return seconds_of(Steady::now() - begin_); }
  std::size_t index_of(const Bot& bot) const { return static_cast<std::size_t>(&bot - bots_.data()); }
  void wake_at(Bot& bot, double when);
  void wake(Bot& bot);
  void bot_over(Bot& bot, Outcome outcome);
  void try_honest(std::uint64_t mail);
  void honest_over(SmtpLoadConnection& honest, Outcome outcome);
  void serve();

  const Options& options_;
  SmtpLoadLoop bot_loop_, honest_loop_;
  std::vector<Bot> bots_;
  std::deque<SmtpLoadConnection> honest_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;  // only what agrees with the bot's own wake_at
  const Steady::time_point begin_ = Steady::now();

  std::uint64_t bot_connections_ = 0, bot_dialogues_ = 0, bots_told_to_go_ = 0, bots_cut_off_ = 0;
  std::uint64_t late_ = 0, refused_ = 0, failed_ = 0, deferred_ = 0;
  std::vector<double> reply_ms_;  // of each honest dialogue the slowest
};

void Flood::wake_at(Bot& bot, double when) {
  bot.wake_at = when;
  due_.push({when, index_of(bot)});
}

// It comes, or goes on if it hesitates.
void Flood::wake(Bot& bot) {
  if (bot.is_open()) {
    if (!bot.hesitating()) return wake_at(bot, now() + 1);  // it was not answered yet
    if (const auto outcome = bot.go_on(); outcome != Outcome::waiting) bot_over(bot, outcome);
    return;
  }
  const auto index = index_of(bot), host = index / kBotNetworks + 1;
  const bool listed = host < kListed;
  SmtpClient client;
  client.source = address(index % kBotNetworks, host);
  client.sender = fmt::format("bot{}.{}@example.com", index, bot.tries);
  client.recipient = recipient(index + bot.tries);
  ++bot.tries;
  ++bot_connections_;
  if (!bot_loop_.open(bot, client, listed ? Role::talks : Role::hesitates)) return bot_over(bot, Outcome::failed);
  if (!listed) wake_at(bot, now() + kHesitation);
}

void Flood::bot_over(Bot& bot, Outcome outcome) {
  if (outcome == Outcome::done)
    ++bot_dialogues_;
  else if (bot.last_code() / 100 == 4)
    ++bots_told_to_go_;
  else
    ++bots_cut_off_;
  wake_at(bot, now() + kPause);
}

void Flood::try_honest(std::uint64_t mail) {
  const auto free = std::find_if(honest_.begin(), honest_.end(), [](const auto& one) { return !one.is_open(); });
  auto& honest = free != honest_.end() ? *free : honest_.emplace_back();
  SmtpClient client;
  client.source = address(mail % kBotNetworks, kFirstHonest + mail / kBotNetworks % kHonestHosts);
  client.sender = fmt::format("anna@sender{}.example", mail);
  client.recipient = recipient(mail);
  if (!honest_loop_.open(honest, client, Role::talks)) honest_over(honest, Outcome::failed);
}

void Flood::honest_over(SmtpLoadConnection& honest, Outcome outcome) {
  auto slowest = seconds_of(honest.slowest());
  if (outcome == Outcome::done)
    deferred_ += honest.deferred();
  else if (honest.last_code() == 421)
    ++refused_;
  else {
    ++failed_;
    slowest = std::max(slowest, seconds_of(Steady::now() - honest.asked()));
  }
  reply_ms_.push_back(slowest * 1e3);
  late_ += slowest > kInTime;
}

void Flood::serve() {
  bot_loop_.serve(1ms, [this](SmtpLoadConnection& bot, Outcome outcome) { bot_over(static_cast<Bot&>(bot), outcome); });
  honest_loop_.serve(0ms, [this](SmtpLoadConnection& honest, Outcome outcome) { honest_over(honest, outcome); });
  while (!due_.empty() && due_.top().when <= now()) {
    const auto due = due_.top();
    due_.pop();
    if (auto& bot = bots_[due.bot]; bot.wake_at == due.when) wake(bot);
  }
  for (auto& honest : honest_)
    if (honest.is_open() && seconds_of(Steady::now() - honest.asked()) > kGivesUp) {
      honest_over(honest, Outcome::failed);
      honest.close();
    }
}

std::string Flood::run() {
  for (auto& bot : bots_) wake_at(bot, static_cast<double>(index_of(bot)) / options_.rate);
  const double mails_per_s = options_.honest / 2;
  std::uint64_t first_tries = 0, retries = 0;
  while (now() < options_.seconds) {
    serve();
    for (; static_cast<double>(first_tries) < now() * mails_per_s; ++first_tries) try_honest(first_tries);
    for (; static_cast<double>(retries) < (now() - options_.retry_after) * mails_per_s; ++retries) try_honest(retries);
  }
  const auto busy = [this] { return std::any_of(honest_.begin(), honest_.end(), [](const auto& one) { return one.is_open(); }); };
  while (busy()) serve();
  const auto open = std::count_if(bots_.begin(), bots_.end(), [](const auto& bot) { return bot.is_open(); });
  const auto silent = std::count_if(bots_.begin(), bots_.end(), [](const auto& bot) {
    return bot.is_open() && bot.bytes() == 0 && seconds_of(Steady::now() - bot.begun()) > kSlowestFirstByte;
  });
  return fmt::format(
      R"({{"seconds":{:.1f},"honest":{{"first_tries":{},"retries":{},"deferred":{},"refused":{},"failed":{},"late":{},"slowest_reply_ms":{}}},"bots":{{"connections":{},"dialogues":{},"told_to_go":{},"cut_off":{},"open":{},"silent":{}}},"load_cpu_s":{:.2f}}})",
      now(), first_tries, retries, deferred_, refused_, failed_, late_, percentiles(reply_ms_), bot_connections_, bot_dialogues_,
      bots_told_to_go_, bots_cut_off_, open, silent, own_cpu_seconds());
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("A flood of bots, and honest clients among them.");
  app.add_option("--port", options.port, "Of 127.0.0.1 and ::1.")->required();
  app.add_option("--seconds", options.seconds);
  app.add_option("--bots", options.bots);
  app.add_option("--rate", options.rate, "Bots that come a second, in the beginning.");
  app.add_option("--honest", options.honest, "Honest connections a second.");
  app.add_option("--retry-after", options.retry_after, "Seconds between the two tries of an honest client.");
  CLI11_PARSE(app, argc, argv);
  raise_descriptor_limit();
  fmt::print("{}\n", Flood(options).run());
  return 0;
}

}  // namespace
}  // namespace deferd::bench

int main(int argc, char** argv) {
  try {
    return deferd::bench::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "smtp_flood: {}\n", error.what());
    return 1;
  }
}
