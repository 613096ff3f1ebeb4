#include "blacklist.h"

#include <algorithm>

#include "commands.h"
#include "hits.h"
#include "shelf.h"

namespace deferd::blacklist {
namespace {

Plan plan_of(const Config& config) {
  std::vector<std::string> errors;
  auto plan = make_plan(config, errors);
  if (!errors.empty()) throw ErrorException({Errc::invalid, errors.front()});
  return plan;
}

std::vector<std::shared_ptr<Feed>> feeds_of(const Plan& plan, Shelf& shelf) {
  std::vector<std::shared_ptr<Feed>> feeds;
  for (const auto& spec : plan.feeds) feeds.push_back(shelf.feed(spec));
  return feeds;
}

Counter& hits(Host& host, std::string_view list) {
  return host.counter("deferd_blacklist_hits_total", {{"list", list}}, "Connections of clients on a list.");
}

}  // namespace

Blacklist::Blacklist(const Config& config, Host& host)
    : plan_(plan_of(config)), port_action_(config.action), keeper_(feeds_of(plan_, *Shelf::of(host)), config.keep, host) {
  for (const auto& listing : plan_.listings) entries_.push_back({listing, &hits(host, plan_.feeds[listing.feed].name)});
  if (!config.config_port.empty()) {
    port_hits_ = &hits(host, "config_port");
    auto socket = or_throw(Shelf::of(host)->socket(or_throw(PortAddress::parse(config.config_port))));
    port_.emplace(std::move(socket), keeper_.copies(), host);
    host.log().notice("blacklist.listening", {{"socket", port_->socket().bound().to_string()}});
  }
  keeper_.load_local();
  shown_.emplace(plan_, port_action_, keeper_.feeds(), port_ ? port_->shared_socket() : nullptr, host);
  shown_->update();  // at a reload: before the former plugin, which shows the same, is gone
  keeper_.start([this] { shown_->update(); });
}

bool Blacklist::may_be_white(const std::vector<std::size_t>& feeds, const Address& client) const {
  return std::any_of(feeds.begin(), feeds.end(), [&](std::size_t index) {
    const auto& feed = *keeper_.feeds()[index];
    return !feed.was_loaded() || feed.contains(client);
  });
}

Verdict Blacklist::on_connect(Context& context) {
  const auto& client = context.session().client;
  Hits found(client);
  for (const auto& [listing, counter] : entries_) {
    const auto& feed = *keeper_.feeds()[listing.feed];
    if (!feed.contains(client) || may_be_white(listing.excepted, client)) continue;
    found.add(feed.spec().name, listing.action, listing.message, listing.tags);
    if (!context.dry()) counter->add();
  }
  if (port_) {
    bool hit = false;
    const auto lists = port_->lists().read();
    for (const auto& pushed : *lists) {
      if (!pushed->line.set.contains(client) || may_be_white(plan_.excepted, client)) continue;
      found.add(pushed->line.tag, port_action_, pushed->line.message, {});
      hit = true;
    }
    if (hit && !context.dry()) port_hits_->add();
  }
  return found.empty() ? Verdict::pass() : found.verdict();
}

Result<void> Blacklist::on_command(Context& context, std::string_view command, const Value& args, Rows& rows) {
  return Commands(context, plan_, port_action_, keeper_, port()).run(command, args, rows);
}

}  // namespace deferd::blacklist
