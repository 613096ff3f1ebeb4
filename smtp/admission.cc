#include "smtp/admission.h"

#include <cassert>

namespace deferd::smtp {

/// Those of one /24 or /64.
struct Guest::Network {
  const Prefix* prefix = nullptr;  // the key it is kept under
  int guests = 0;
  Admission::Guests held;  // oldest first
  Hook hook;               // in Networks::by_held
};

struct Admission::Networks {
  using List = boost::intrusive::list<Network, boost::intrusive::member_hook<Network, Guest::Hook, &Network::hook>>;
  Network& at(const Prefix& prefix) {
    const auto place = all.try_emplace(prefix).first;
    place->second.prefix = &place->first;
    return place->second;
  }

  std::unordered_map<Prefix, Network> all;
  std::vector<List> by_held{1};  // at n: those with n held guests; nobody is at 0
};

Prefix network_of(const Address& client) { return Prefix(client, client.is_v4() ? 24 : 64); }

Admission::Admission(const AdmissionLimits& limits, unsigned lanes)
    : limits_(limits), networks_(std::make_unique<Networks>()), leaving_(lanes) {}

Admission::~Admission() { assert(counts_.total == 0); }

void Admission::configure(const AdmissionLimits& limits) {
  const std::lock_guard lock(mutex_);
  limits_ = limits;
}

Admission::Refusal Admission::join(Guest& guest, const Prefix& prefix, SteadyTime now) {
  if (limits_.new_per_prefix > 0 && !rates_.take(prefix, now, limits_.new_per_prefix)) return Refusal::rate;
  auto& network = networks_->at(prefix);
  if (network.guests >= limits_.per_prefix) return Refusal::prefix;  // so it was there before
  ++network.guests;
  guest.network_ = &network;
  return Refusal::none;
}

Admission::Answer Admission::enter(Guest& guest, const std::optional<Prefix>& network, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  Answer answer;
  if (network) answer.refusal = join(guest, *network, now);
  if (answer.refusal != Refusal::none) return answer;
  if (counts_.total >= limits_.total) {
    answer.lane = send_away();
    if (!answer.lane) {
      answer.refusal = Refusal::total;
      if (guest.network_ != nullptr && --guest.network_->guests == 0) networks_->all.erase(*guest.network_->prefix);
      guest.network_ = nullptr;
      return answer;
    }
  }
  guest.counted_ = true;
  ++counts_.total;
  return answer;
}

Admission::Refusal Admission::name(Guest& guest, const Prefix& network, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  return guest.network_ != nullptr ? Refusal::none : join(guest, network, now);
}

std::optional<unsigned> Admission::hold(Guest& guest) {
  const std::lock_guard lock(mutex_);
  if (guest.held_ || guest.must_leave_) return std::nullopt;
  // Whoever came by a unix socket shares one network of them all.
  if (guest.network_ == nullptr) {
    guest.network_ = &networks_->at(Prefix());
    ++guest.network_->guests;
  }
  guest.held_ = true;
  ++counts_.held;
  auto& network = *guest.network_;
  network.held.push_back(guest);
  move(network, network.held.size() - 1);
  return counts_.held > limits_.kept ? send_away() : std::nullopt;
}

void Admission::move(Network& network, std::size_t held_before) {
  auto& by_held = networks_->by_held;
  if (held_before > 0) by_held[held_before].erase(by_held[held_before].iterator_to(network));
  const auto held = network.held.size();
  if (held >= by_held.size()) by_held.resize(held + 1);
  if (held > 0) by_held[held].push_back(network);
  while (by_held.size() > 1 && by_held.back().empty()) by_held.pop_back();
}

void Admission::unhold(Guest& guest) {
  auto& network = *guest.network_;
  network.held.erase(network.held.iterator_to(guest));
  move(network, network.held.size() + 1);
  guest.held_ = false;
  --counts_.held;
}

std::optional<unsigned> Admission::send_away() {
  auto& by_held = networks_->by_held;
  if (by_held.size() == 1) return std::nullopt;
  Guest& guest = by_held.back().front().held.front();
  unhold(guest);
  guest.must_leave_ = true;
  guest.counted_ = false;  // its place is the newcomer's at once
  --counts_.total;
  leaving_[guest.lane_].push_back(guest);
  return guest.lane_;
}

std::optional<unsigned> Admission::release_one() {
  const std::lock_guard lock(mutex_);
  return send_away();
}

Guest* Admission::next_to_leave(unsigned lane) {
  const std::lock_guard lock(mutex_);
  auto& leaving = leaving_[lane];
  if (leaving.empty()) return nullptr;
  Guest& guest = leaving.front();
  leaving.pop_front();
  return &guest;
}

bool Admission::start_tls(Guest& guest) {
  const std::lock_guard lock(mutex_);
  if (counts_.tls >= limits_.tls) return false;
  guest.tls_ = true;
  ++counts_.tls;
  return true;
}

bool Admission::tls_full() const {
  const std::lock_guard lock(mutex_);
  return counts_.tls >= limits_.tls;
}

void Admission::leave(Guest& guest) {
  const std::lock_guard lock(mutex_);
  if (guest.held_) unhold(guest);
  if (guest.hook_.is_linked()) leaving_[guest.lane_].erase(leaving_[guest.lane_].iterator_to(guest));
  if (guest.counted_) --counts_.total;
  if (guest.tls_) --counts_.tls;
  if (guest.network_ != nullptr && --guest.network_->guests == 0) networks_->all.erase(*guest.network_->prefix);
  guest.network_ = nullptr;
  guest.counted_ = guest.tls_ = false;
}

Admission::Counts Admission::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

}  // namespace deferd::smtp
