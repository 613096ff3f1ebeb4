#include "pfbridge/watcher.h"

// FreeBSD's <ifaddrs.h> does not include what it needs.
#include <sys/types.h>

#include <sys/socket.h>

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace deferd::pfbridge {
namespace {

using namespace std::chrono_literals;

constexpr auto kAgain = 5min;  // a host counts once in so long; rows are written once an hour anyway
constexpr std::size_t kRemember = 50'000;
constexpr double kBurst = 5'000, kPerSecond = 500;
constexpr auto kReadOwnAgain = 1min;

constexpr std::string_view kWays[] = {"in", "out"};
constexpr std::string_view kWhatNames[] = {"refreshed", "added",           "unknown", "trapped", "ours",
                                           "repeated",  "other_interface", "dropped", "failed"};

// No stranger has an address of these: RFC 6890, and what is multicast or reserved.
const std::vector<Prefix>& never_strangers() {
  static const std::vector<Prefix> list = [] {
    std::vector<Prefix> prefixes;
    for (const char* text : {"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
                             "192.168.0.0/16", "224.0.0.0/3", "::/127", "fc00::/7", "fe80::/10", "ff00::/8"})
      prefixes.push_back(or_throw(Prefix::parse(text)));
    return prefixes;
  }();
  return list;
}

bool any_contains(const std::vector<Prefix>& prefixes, const Address& address) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](const Prefix& prefix) { return prefix.contains(address); });
}

}  // namespace

Schema<WatchConfig> WatchConfig::schema() {
  return Schema<WatchConfig>{}
      .field("helper", &WatchConfig::helper,
             "Where deferd-helper --capture is: unix:/path, or the words of a command that is started. None: nothing is watched.")
      .field("outbound", &WatchConfig::outbound, "Whether hosts that mail is sent to become white.")
      .field("white_expiry", &WatchConfig::white_expiry, 1h, std::chrono::hours{24 * 366},
             "A white row lives for so long after the latest connection.")
      .field("interfaces", &WatchConfig::interfaces, "Only connections on these interfaces count; none: all.")
      .field("never", &WatchConfig::never,
             "Hosts that mail goes out through and that are not exempt, such as a provider's relay: they never become white.");
}

Watcher::Watcher(WatchConfig config, Host& host, OwnAddresses own)
    : config_(std::move(config)),
      host_(host),
      own_(std::move(own)),
      recent_{bridge::Recent<Address>(kAgain, kRemember), bridge::Recent<Address>(kAgain, kRemember)},
      budget_(kBurst) {
  static_assert(std::size(kWhatNames) == kWhats);
  for (std::size_t way = 0; way < counters_.size(); ++way)
    for (std::size_t what = 0; what < kWhats; ++what)
      counters_[way][what] =
          &host.counter("deferd_pfbridge_watched_total", {{"direction", kWays[way]}, {"result", kWhatNames[what]}},
                        "Connections that the packet filter let through, by what was learned of them.");
}

void Watcher::inbound(const Address& client, std::string_view interface) { saw(Way::in, client, interface); }

void Watcher::outbound(const Address& server, std::string_view interface) {
  if (config_.outbound) saw(Way::out, server, interface);
}

void Watcher::saw(Way way, const Address& host, std::string_view interface) {
  const auto index = static_cast<std::size_t>(way);
  const auto now = host_.clock().steady();
  auto what = What::failed;
  try {
    const auto& wanted = config_.interfaces;
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), interface) == wanted.end())
      what = What::other_interface;
    else if (recent_[index].contains(host, now))
      what = What::repeated;
    else if (!within_budget(now))
      what = What::dropped;
    else {
      what = learn(way, host, interface);
      recent_[index].add(host, now);
      if (failing_) host_.log().notice("pfbridge.watch_recovered", {});
      failing_ = false;
    }
  } catch (const std::exception& error) {
    what = What::failed;
    if (!failing_) host_.log().error("pfbridge.watch_failing", {{"client", host}, {"error", error.what()}});
    failing_ = true;
  }
  counters_[index][static_cast<std::size_t>(what)]->add();
}

Watcher::What Watcher::learn(Way way, const Address& host, std::string_view interface) {
  // Nothing is learned of who is exempt: his rows would outlive that.
  if (const auto exempt = host_.sets().get(kExempt); exempt && exempt->contains(host)) return What::ours;
  if (way == Way::out && is_ours(host)) return What::ours;
  auto& tables = host_.tables();
  if (or_throw(tables.find(kTrapped, host)).row) return What::trapped;
  const auto now = host_.clock().now();
  const auto expires = now + config_.white_expiry;
  const auto white = or_throw(tables.find(kWhite, host)).row;
  // An operator's row for a whole network lasts as long as he said.
  const bool renewable = white && (white->prefix.is_host() || white->source != "operator");
  if (renewable && or_throw(tables.refresh(kWhite, white->prefix, expires))) return What::refreshed;
  if (way == Way::in) return What::unknown;
  TableRow row;
  row.prefix = Prefix(host);
  row.added = now;
  row.expires = expires;
  row.source = kOutboundSource;
  row.evidence = interface.empty() ? "mail from us to it" : "mail from us to it on " + std::string(interface);
  or_throw(tables.put(kWhite, row));
  host_.log().info("pfbridge.outbound", {{"client", host}, {"interface", interface}});
  return What::added;
}

bool Watcher::is_ours(const Address& host) {
  if (any_contains(never_strangers(), host) || any_contains(config_.never, host)) return true;
  const auto now = host_.clock().steady();
  if (own_read_ == SteadyTime{} || now - own_read_ >= kReadOwnAgain) {
    own_addresses_ = own_();
    own_read_ = now;
  }
  return std::find(own_addresses_.begin(), own_addresses_.end(), host) != own_addresses_.end();
}

bool Watcher::within_budget(SteadyTime now) {
  if (budget_at_ != SteadyTime{}) {
    const std::chrono::duration<double> since = now - budget_at_;
    budget_ = std::min(kBurst, budget_ + since.count() * kPerSecond);
  }
  budget_at_ = now;
  if (budget_ < 1) return false;
  budget_ -= 1;
  return true;
}

std::vector<Address> Watcher::interface_addresses() {
  std::vector<Address> found;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return found;
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    if (one->ifa_addr->sa_family == AF_INET) {
      sockaddr_in address;
      std::memcpy(&address, one->ifa_addr, sizeof address);
      found.push_back(Address::v4(ntohl(address.sin_addr.s_addr)));
    } else if (one->ifa_addr->sa_family == AF_INET6) {
      sockaddr_in6 address;
      std::memcpy(&address, one->ifa_addr, sizeof address);
      std::array<std::uint8_t, 16> bytes;
      std::memcpy(bytes.data(), &address.sin6_addr, bytes.size());
      found.push_back(Address::v6(bytes));
    }
  }
  ::freeifaddrs(list);
  return found;
}

}  // namespace deferd::pfbridge
