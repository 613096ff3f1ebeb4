// Block lists of many random prefixes: how long they take to load, what memory they take, how fast addresses are found in them,
// and whether anybody waits while a list is replaced. The peer is std::upper_bound on one sorted array of the same prefixes.
//
//   lists_bench --prefixes 1000000 --family v4|v6 --seconds 3 --file /var/tmp/list
//
// Prints one line of JSON. One prefix in five is shorter than a host: /24 and up for IPv4, /40 to /64 for IPv6.
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "deferd/prefix_set.h"
#include "deferd/swapped.h"
#include "ops/tuned_malloc.h"

namespace {

using namespace deferd;
using std::uint64_t;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kQuestions = 500'000;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double status_mib(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field + ":")) return std::stod(line.substr(field.size() + 1)) / 1024;
  return 0;
}

/// From now on the highest memory is counted anew.
void forget_peak() { std::ofstream("/proc/self/clear_refs") << 5; }

class Addresses {
 public:
  explicit Addresses(bool v4) : v4_(v4) {}
  Address any() {
    if (v4_) return Address::v4(static_cast<std::uint32_t>(random_()));
    std::array<std::uint8_t, 16> bytes;
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random_());
    bytes[0] = 0x20 | (bytes[0] & 0x0f);
    return Address::v6(bytes);
  }
  Prefix prefix() {
    const auto address = any();
    if (random_() % 5 != 0) return Prefix(address);
    return Prefix(address, static_cast<int>(v4_ ? 24 + random_() % 8 : 40 + random_() % 25));
  }
  uint64_t number() { return random_(); }

 private:
  bool v4_;
  std::mt19937_64 random_{1};
};

PrefixSet load(const std::string& file) {
  PrefixSetBuilder builder;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) builder.add(*Prefix::parse(line));
  return builder.build();
}

__extension__ using Uint128 = unsigned __int128;

/// The peer: first addresses in one array, lengths in another. Number holds an address of the family.
template <class Number>
class SortedArray {
 public:
  explicit SortedArray(const PrefixSet& set) {
    firsts_.reserve(set.size());
    lengths_.reserve(set.size());
    for (const auto& prefix : set) {
      firsts_.push_back(number(prefix.address()));
      lengths_.push_back(static_cast<std::uint8_t>(prefix.length()));
    }
  }
  bool contains(const Address& address) const {
    const auto key = number(address);
    const auto after = std::upper_bound(firsts_.begin(), firsts_.end(), key);
    if (after == firsts_.begin()) return false;
    const auto i = after - firsts_.begin() - 1;
    const int shift = address.bits() - lengths_[static_cast<std::size_t>(i)];
    return static_cast<Uint128>(key ^ firsts_[static_cast<std::size_t>(i)]) >> shift == 0;
  }

 private:
  static Number number(const Address& address) {
    Number number = 0;
    for (const auto byte : address.bytes()) number = static_cast<Number>(number << 8 | byte);
    return number;
  }
  std::vector<Number> firsts_;
  std::vector<std::uint8_t> lengths_;
};

struct Times {
  std::vector<std::uint32_t> ns;
  std::size_t hits = 0;
  std::uint32_t percentile(double share) {
    const auto place = ns.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(ns.size() - 1));
    std::nth_element(ns.begin(), place, ns.end());
    return *place;
  }
};

template <class Ask>
void ask_each(const std::vector<Address>& questions, Times& times, Ask ask) {
  for (const auto& address : questions) {
    const auto start = Clock::now();
    times.hits += ask(address) ? 1 : 0;
    times.ns.push_back(static_cast<std::uint32_t>((Clock::now() - start).count()));
  }
}

std::string json(const char* name, Times& times) {
  char text[160];
  std::snprintf(text, sizeof text, R"("%s": {"p50_ns": %u, "p99_ns": %u, "hits": %zu})", name, times.percentile(0.5),
                times.percentile(0.99), times.hits);
  return text;
}

/// Set and peer by turns.
template <class Number>
std::string ask_both(const PrefixSet& set, const std::vector<Address>& questions) {
  const SortedArray<Number> sorted(set);
  Times timer, ours, peer;
  for (int round = 0; round < 3; ++round) {
    ask_each(questions, timer, [](const Address&) { return false; });
    ask_each(questions, ours, [&](const Address& address) { return set.contains(address); });
    ask_each(questions, peer, [&](const Address& address) { return sorted.contains(address); });
  }
  if (ours.hits != peer.hits) {
    std::fprintf(stderr, "lists_bench: %zu hits, the sorted array has %zu\n", ours.hits, peer.hits);
    std::exit(1);
  }
  return json("timer", timer) + ", " + json("ours", ours) + ", " + json("upper_bound", peer);
}

/// The prefixes dealt out to so many lists; all lists are asked.
std::string ask_lists(const PrefixSet& set, std::size_t count, const std::vector<Address>& questions) {
  std::vector<PrefixSetBuilder> builders(count);
  std::size_t i = 0;
  for (const auto& prefix : set) builders[i++ % count].add(prefix);
  std::vector<PrefixSet> lists;
  for (auto& builder : builders) lists.push_back(builder.build());
  Times times;
  ask_each(questions, times, [&](const Address& address) {
    return std::count_if(lists.begin(), lists.end(), [&](const auto& list) { return list.contains(address); }) != 0;
  });
  return json(("lists_" + std::to_string(count)).c_str(), times);
}

/// Look-ups of one thread while another builds lists. Slow is what took longer than a millisecond, whatever the reason; of those,
/// a look-up during which the scheduler took the processor away says nothing about us, and one that waited for anything (a lock)
/// would be seen as a voluntary switch.
struct Meanwhile {
  uint64_t asked = 0, slow = 0, slow_on_cpu = 0, longest_ns = 0, longest_on_cpu_ns = 0;
  long waited = 0;
  int built = 0;
  double longest_swap = 0;

  void note(uint64_t took, bool preempted) {
    const bool is_slow = took > 1'000'000;
    ++asked;
    slow += is_slow ? 1 : 0;
    longest_ns = std::max(longest_ns, took);
    if (preempted) return;
    slow_on_cpu += is_slow ? 1 : 0;
    longest_on_cpu_ns = std::max(longest_on_cpu_ns, took);
  }

  std::string json() const {
    char text[300];
    std::snprintf(
        text, sizeof text,
        R"({"built": %d, "asked": %llu, "slow": %llu, "slow_per_million": %.2f, "slow_on_cpu": %llu, "longest_us": %.1f, )"
        R"("longest_on_cpu_us": %.1f, "waited": %ld, "longest_swap_ms": %.2f})",
        built, static_cast<unsigned long long>(asked), static_cast<unsigned long long>(slow),
        static_cast<double>(slow) * 1e6 / static_cast<double>(asked), static_cast<unsigned long long>(slow_on_cpu),
        static_cast<double>(longest_ns) / 1e3, static_cast<double>(longest_on_cpu_ns) / 1e3, waited, longest_swap * 1e3);
    return text;
  }
};

rusage thread_usage() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage;
}

void ask_until(const std::atomic<bool>& stop, const Swapped<PrefixSet>& listed, const std::vector<Address>& questions,
               Meanwhile& meanwhile) {
  meanwhile.waited -= thread_usage().ru_nvcsw;
  for (std::size_t i = 0; !stop; i = (i + 1) % questions.size()) {
    const auto switches = thread_usage().ru_nivcsw;
    const auto start = Clock::now();
    (void)listed.read()->contains(questions[i]);
    const auto took = static_cast<uint64_t>((Clock::now() - start).count());
    meanwhile.note(took, thread_usage().ru_nivcsw != switches);
  }
  meanwhile.waited += thread_usage().ru_nvcsw;
}

/// One thread asks while another builds, and swaps or throws away what it built: what the machine itself does to look-ups is seen
/// without swaps, too.
void look_up_while(bool swapping, const PrefixSet& set, const std::vector<Address>& questions, double seconds,
                   Meanwhile& meanwhile) {
  Swapped<PrefixSet> listed(set);
  std::atomic<bool> stop{false};
  std::thread reader([&] { ask_until(stop, listed, questions, meanwhile); });
  const auto start = Clock::now();
  do {
    PrefixSetBuilder builder;
    for (const auto& prefix : set) builder.add(prefix);
    auto fresh = builder.build();
    ++meanwhile.built;
    if (!swapping) continue;
    const auto swap_began = Clock::now();
    listed.swap(std::move(fresh));
    meanwhile.longest_swap = std::max(meanwhile.longest_swap, seconds_since(swap_began));
  } while (seconds_since(start) < seconds);
  stop = true;
  reader.join();
}

/// By turns, so that both meet the same machine.
std::string with_and_without_swaps(const PrefixSet& set, const std::vector<Address>& questions, double seconds) {
  constexpr int kTurns = 3;
  Meanwhile without, with;
  for (int turn = 0; turn < kTurns; ++turn) {
    look_up_while(false, set, questions, seconds / kTurns, without);
    look_up_while(true, set, questions, seconds / kTurns, with);
  }
  return R"("no_swap": )" + without.json() + R"(, "swap": )" + with.json();
}

}  // namespace

int main(int argc, char** argv) {
  deferd::tune_malloc();  // as the daemon does
  std::size_t count = 1'000'000;
  std::string family = "v4", file = "/var/tmp/lists_bench.txt";
  double seconds = 3;
  CLI::App app("Block lists of many random prefixes: load, memory, look-ups, swaps.");
  app.add_option("--prefixes", count);
  app.add_option("--family", family)->check(CLI::IsMember({"v4", "v6"}));
  app.add_option("--seconds", seconds);
  app.add_option("--file", file, "The list is written there, and removed at the end.");
  CLI11_PARSE(app, argc, argv);

  Addresses addresses(family == "v4");
  std::vector<Address> questions;
  questions.reserve(kQuestions);
  {
    std::ofstream out(file);
    for (std::size_t i = 0; i < count; ++i) {
      const auto prefix = addresses.prefix();
      out << prefix.to_string() << '\n';
      if (i % (2 * count / kQuestions + 1) == 0 && questions.size() < kQuestions / 2) questions.push_back(prefix.address());
    }
  }
  while (questions.size() < kQuestions) questions.push_back(addresses.any());
  std::shuffle(questions.begin(), questions.end(), std::mt19937(2));

  const double base = status_mib("VmRSS");
  forget_peak();
  auto start = Clock::now();
  auto set = load(file);
  const double load_s = seconds_since(start);
  const double first_peak = status_mib("VmHWM") - base;
  const double held = status_mib("VmRSS") - base;
  forget_peak();
  {
    const auto again = load(file);  // as when a list is refreshed: the former one still serves
    set = again;
  }
  const double peak = status_mib("VmHWM") - base;
  std::remove(file.c_str());

  std::string parts = family == "v4" ? ask_both<std::uint32_t>(set, questions) : ask_both<Uint128>(set, questions);
  for (const std::size_t lists : {1, 10, 50}) parts += ", " + ask_lists(set, lists, questions);
  parts += ", " + with_and_without_swaps(set, questions, seconds);
  std::printf(R"({"prefixes": %zu, "family": "%s", "minimal": %zu, "load_s": %.2f, "set_mib": %.1f, "held_mib": %.1f, )"
              R"("load_peak_mib": %.1f, "refresh_peak_mib": %.1f, %s})"
              "\n",
              count, family.c_str(), set.size(), load_s, static_cast<double>(set.bytes()) / 1048576, held, first_peak, peak,
              parts.c_str());
}
