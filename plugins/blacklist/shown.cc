#include "shown.h"

namespace deferd::blacklist {

Shown::Shown(const Plan& plan, ListAction port_action, std::vector<std::shared_ptr<Feed>> feeds,
             std::shared_ptr<ConfigSocket> socket, Host& host)
    : plan_(plan), port_action_(port_action), feeds_(std::move(feeds)), socket_(std::move(socket)), host_(host) {}

/// False: one of them was never loaded, so anybody might be white.
bool Shown::white_of(const std::vector<std::size_t>& feeds, std::vector<PrefixSet>& white) const {
  for (const auto index : feeds) {
    if (!feeds_[index]->was_loaded()) return false;
    white.push_back(feeds_[index]->set());
  }
  return true;
}

std::vector<Shown::Part> Shown::parts() const {
  std::vector<Part> parts;
  const auto add = [&](PrefixSet listed, const std::vector<std::size_t>& excepted) {
    Part part{std::move(listed), {}};
    if (!part.listed.empty() && white_of(excepted, part.white)) parts.push_back(std::move(part));
  };
  for (const auto& listing : plan_.listings)
    if (listing.action != ListAction::accept) add(feeds_[listing.feed]->set(), listing.excepted);
  if (socket_ && port_action_ != ListAction::accept)
    for (const auto& pushed : socket_->lists().all()) add(pushed->line.set, plan_.excepted);
  return parts;
}

void Shown::update() {
  if (!host_.sets().wanted(kBlack)) return;
  auto now = parts();
  if (showing_ && now == shown_) return;
  PrefixSet black;
  for (const auto& part : now) {
    PrefixSet rest = part.listed;
    for (const auto& white : part.white) rest = without(rest, white);
    black = black.empty() ? rest : united(black, rest);
  }
  host_.sets().show(kBlack, std::make_shared<const PrefixSet>(std::move(black)));
  showing_ = true;
  shown_ = std::move(now);
}

}  // namespace deferd::blacklist
