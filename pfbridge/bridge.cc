#include "pfbridge/bridge.h"

#include <algorithm>

#include "pfbridge/prefixes.h"

namespace deferd::pfbridge {
namespace {

using namespace std::chrono_literals;

constexpr auto kStorePause = 1s;
constexpr auto kMetricsEvery = 1s;
constexpr std::string_view kPositions = "position";
constexpr Duration kPositionKept = std::chrono::days{60};  // longer than the feed

Gauge& gauge(Host& host, std::string_view name, Set set, std::string_view help) {
  const Label label[] = {{"table", to_string(set)}};
  return host.gauge(name, label, help);
}

Counter& entries(Host& host, Set set, std::string_view operation) {
  const Label labels[] = {{"table", to_string(set)}, {"operation", operation}};
  return host.counter("deferd_pfbridge_entries_total", std::span<const Label>(labels), "Entries sent to helpers.");
}

Counter& leases(Host& host, std::string_view result) {
  return host.counter("deferd_pfbridge_leases_total", {{"result", result}},
                      "Clients that were let in because plugins failed, by whether the packet filter lets them pass.");
}

std::string position_key(const HelperPlace& place, const Link::Table& table) {
  return place.name() + '\n' + table.name + '\n' + std::to_string(table.place);
}

std::string_view state_of(const Link& link, const Link::Table& table, const SyncStatus& status) {
  if (!link.is_greeted()) return "away";
  if (table.sync.is_idle()) return "idle";
  if (!status.error.empty()) return "failing";
  if (status.held > 0) return "held";
  return table.sync.in_step() ? "in step" : "busy";
}

}  // namespace

Bridge::Bridge(Settings settings, Host& host)
    : settings_(std::move(settings)),
      wanted_([this](Set set, const Prefix& entry, bool was) {
        for (auto& line : links_) line.link->touch(set, entry, was, host_->clock().steady());
      }),
      follower_(wanted_),
      leases_(wanted_),
      leases_gauge_(host.gauge("deferd_pfbridge_leases", {}, "Clients that the packet filter lets pass for a while.")),
      leases_given_(leases(host, "given")),
      leases_refused_(leases(host, "refused")) {
  for (const auto& [set, name] : kSets)
    meters_.push_back({gauge(host, "deferd_pfbridge_wanted", set, "Entries that a packet filter's table shall hold."),
                       gauge(host, "deferd_pfbridge_present", set, "Entries it holds, of all helpers the least."),
                       gauge(host, "deferd_pfbridge_pending", set, "Entries still to be sent to helpers."),
                       gauge(host, "deferd_pfbridge_foreign", set, "Entries that others put there."),
                       gauge(host, "deferd_pfbridge_held", set, "Entries that are kept until `deferctl bridge adopt`."),
                       gauge(host, "deferd_pfbridge_lag_seconds", set, "How long the oldest change waits."),
                       gauge(host, "deferd_pfbridge_alarm", set, "1 while a helper or one of its tables fails or is held."),
                       entries(host, set, "add"), entries(host, set, "remove")});
  for (const auto& place : settings_.helpers) add_link(place, settings_.tables);
  if (settings_.watch) add_link(*settings_.watch, {true, {}});
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const auto number = i < settings_.helpers.size() ? std::to_string(i + 1) : std::string("watch");
    const Label label[] = {{"helper", number}};
    connected_gauges_.push_back(&host.gauge("deferd_pfbridge_connected", label, "1 while a helper is there."));
  }
}

void Bridge::add_link(HelperPlace place, LinkTables tables) {
  const auto name = place.name();
  auto link = std::make_unique<Link>(
      std::move(tables), wanted_, settings_.rules,
      [this](const bridge::Passed& passed) {
        if (!watcher_) return;
        const Address host = prefix_of(passed.host).address();
        passed.inbound ? watcher_->inbound(host, passed.interface) : watcher_->outbound(host, passed.interface);
      },
      [this, name](const std::string& table, const SyncStatus& status) { told(name, table, status); });
  links_.push_back({std::move(place), std::move(link), "not connected yet"});
}

void Bridge::lend(Host* host, Watcher* watcher) {
  host_ = host;
  watcher_ = watcher;
  sets_asked_ = false;
}

void Bridge::told(const std::string& helper, const std::string& table, const SyncStatus& status) {
  if (!status.error.empty())
    host_->log().error("pfbridge.failing", {{"helper", helper}, {"table", table}, {"what", status.error}});
  else if (status.held > 0)
    host_->log().error("pfbridge.held",
                       {{"helper", helper},
                        {"table", table},
                        {"entries", status.held},
                        {"what", "nothing explains them: see whether the store is right, then `deferctl bridge adopt`"}});
  else
    host_->log().notice("pfbridge.recovered", {{"helper", helper}, {"table", table}});
}

// ---- Helpers come and go

void Bridge::connected(std::size_t index) {
  auto& line = links_[index];
  line.link->connected(host_->clock().steady());
}

bool Bridge::receive(std::size_t index, std::string_view bytes) {
  auto& line = links_[index];
  const bool was_greeted = line.link->is_greeted();
  if (auto taken = line.link->receive(bytes, host_->clock().steady()); !taken) {
    lost(index, taken.error().what);
    return false;
  }
  if (!was_greeted && line.link->is_greeted()) {
    line.why.clear();
    host_->log().notice("pfbridge.connected", {{"helper", line.place.name()}});
    for (const auto& name : line.link->absent())
      host_->log().error("pfbridge.failing",
                         {{"helper", line.place.name()}, {"table", name}, {"what", "the helper has no table of this name"}});
  }
  return true;
}

void Bridge::lost(std::size_t index, const std::string& why) {
  auto& line = links_[index];
  line.link->lost(host_->clock().steady());
  if (line.why == why) return;
  line.why = why;
  host_->log().warning("pfbridge.away", {{"helper", line.place.name()}, {"why", why}});
}

// ---- What is to be done

void Bridge::give_lease(const Address& client, Duration duration) {
  const bool given = leases_.give(client, duration, host_->clock());
  (given ? leases_given_ : leases_refused_).add();
  if (given) host_->log().info("pfbridge.lease", {{"client", client}});
}

void Bridge::look_at_sets() {
  const auto version = host_->sets().version();
  if (sets_asked_ && version == sets_version_) return;
  sets_asked_ = true;
  sets_version_ = version;
  auto black = host_->sets().get(kBlack);
  auto exempt = host_->sets().get(kExempt);
  if (black == black_ && exempt == exempt_) return;
  const bool black_appears = black && !black_, exempt_appears = exempt && !exempt_;
  black_ = std::move(black);
  exempt_ = std::move(exempt);
  wanted_.show(black_, exempt_);
  for (auto& line : links_)
    for (const auto& table : line.link->tables()) {
      const Set set = table->sync.set();
      if ((set == Set::black && black_appears) || (set == Set::exempt && exempt_appears)) table->sync.compare_all();
    }
}

/// True if there is more at once.
bool Bridge::follow() {
  auto step = follower_.step(host_->tables());
  if (!step) {
    store_said(tl::unexpected(step.error()));
    return false;
  }
  if (step->scanned)
    for (auto& line : links_)
      for (const auto& table : line.link->tables()) table->sync.read_back();
  for (const auto& gone : step->gone)
    for (auto& line : links_)
      for (const auto& table : line.link->tables())
        if (table->sync.set() == gone.set) table->sync.doubt(gone.row);
  return step->more;
}

/// Tells a table's keeper what was removed since the table was last seen to be right, by an earlier run.
Result<void> Bridge::prepare(const HelperPlace& place, Link::Table& table) {
  const Set set = table.sync.set();
  if (has_rows(set)) {
    const auto key = position_key(place, table);
    const std::string_view keys[] = {key};
    auto records = host_->store().read(kPositions, keys);
    if (!records) return tl::unexpected(records.error());
    auto past = records->front().value ? past_of(host_->tables(), to_string(set), *records->front().value)
                                       : Result<Past>(fail(Errc::cursor_too_old, ""));
    if (!past && past.error().code != Errc::cursor_too_old) return tl::unexpected(past.error());
    if (!past) table.sync.distrust();
    const auto now = host_->clock().steady();
    if (past) {
      for (const auto& row : past->over) table.sync.suspect(row);
      for (const auto& row : past->renewed) table.sync.touch(row, false, now);
    }
  }
  if (set == Set::white) {
    auto clients = Leases::noted(host_->store());
    if (!clients) return tl::unexpected(clients.error());
    for (const auto& client : *clients) {
      table.sync.suspect(Prefix(client));
      leases_.was_noted(client);
    }
  }
  table.prepared = true;
  return {};
}

Result<void> Bridge::prepare_all() {
  if (follower_.position().empty()) return {};
  for (auto& line : links_)
    for (const auto& table : line.link->tables())
      if (!table->prepared)
        if (auto done = prepare(line.place, *table); !done) return done;
  return {};
}

Result<void> Bridge::write_positions() {
  for (auto& line : links_)
    for (const auto& table : line.link->tables()) {
      auto position = table->sync.verified();
      if (!position || !has_rows(table->sync.set())) continue;
      table->without_leases = true;
      Change change;
      change.key = position_key(line.place, *table);
      change.value = std::move(*position);
      change.expires = host_->clock().now() + kPositionKept;
      // If this fails, the next reading back says it again.
      if (auto done = host_->store().commit(kPositions, std::span<const Change>(&change, 1)); !done) return done;
    }
  return {};
}

/// Once all helpers' tables were seen to be without those that are over, no note of them is needed.
void Bridge::look_at_notes() {
  for (std::size_t i = 0; i < settings_.helpers.size(); ++i) {
    const Link& link = *links_[i].link;
    if (!link.is_greeted()) return;
    for (const auto& table : link.tables())
      if (table->sync.set() == Set::white && !table->without_leases) return;
  }
  leases_.seen_gone();
}

void Bridge::store_said(const Result<void>& result) {
  if (!result && !store_failing_) host_->log().error("pfbridge.store_failing", {{"what", result.error().what}});
  if (result && store_failing_) host_->log().notice("pfbridge.store_recovered", {});
  store_failing_ = !result;
  if (!result) store_again_ = host_->clock().steady() + kStorePause;
}

bool Bridge::step() {
  if (!host_) return false;
  const auto now = host_->clock().steady();
  bool more = false;
  look_at_sets();
  if (leases_.step(host_->clock()))
    for (auto& line : links_)
      for (const auto& table : line.link->tables()) table->without_leases = false;
  if (now >= store_again_) {
    more = follow();
    if (now >= store_again_) {  // the tables could be read
      auto done = prepare_all();
      if (done) done = write_positions();
      if (done) look_at_notes();
      if (done) done = leases_.note(host_->store());
      store_said(done);
    }
  }
  for (std::size_t i = 0; i < links_.size(); ++i)
    if (auto said = links_[i].link->step(follower_.position(), now, host_->clock().now()); !said) lost(i, said.error().what);
  show_metrics();
  return more;
}

// ---- What is told

std::vector<Value> Bridge::rows() const {
  std::vector<Value> rows;
  const auto now = host_->clock().steady();
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const auto& line = links_[i];
    const auto begin = [&](std::string_view table, std::string_view set, std::string_view state) {
      Value row = Value::map();
      row.set("helper", line.place.name());
      row.set("table", table);
      row.set("set", set);
      row.set("state", state);
      return row;
    };
    for (const auto& table : line.link->tables()) {
      const auto status = table->sync.status(now);
      Value row = begin(table->name, to_string(table->sync.set()), state_of(*line.link, *table, status));
      row.set("wanted", status.wanted);
      row.set("present", status.present);
      row.set("foreign", status.foreign);
      row.set("pending", status.pending);
      row.set("held", status.held);
      row.set("lag", format_duration(status.lag));
      row.set("error", line.link->is_greeted() ? status.error : line.why);
      rows.push_back(std::move(row));
    }
    for (const auto& name : line.link->absent()) {
      Value row = begin(name, "", "failing");
      row.set("error", "the helper has no table of this name");
      rows.push_back(std::move(row));
    }
    if (!line.link->tables().empty() || !line.link->absent().empty()) continue;
    const bool watches = i >= settings_.helpers.size();
    Value row = begin("", watches ? "watch" : "", line.link->is_greeted() ? "in step" : "away");
    const bool useless = !watches && line.link->is_greeted();
    row.set("error", useless ? "the helper has no table named white, trapped, black or exempt" : line.why);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::uint64_t Bridge::adopt() {
  std::uint64_t count = 0;
  for (auto& line : links_) {
    if (!line.link->is_greeted()) continue;
    for (const auto& table : line.link->tables())
      if (table->sync.adopt()) ++count;
  }
  host_->log().notice("pfbridge.adopted", {{"tables", count}});
  return count;
}

std::uint64_t Bridge::read_back() {
  std::uint64_t count = 0;
  for (auto& line : links_)
    for (const auto& table : line.link->tables()) {
      table->sync.read_back();
      ++count;
    }
  return count;
}

bool Bridge::in_step() const {
  return std::all_of(links_.begin(), links_.end(), [](const Line& line) {
    return line.link->is_greeted() && std::all_of(line.link->tables().begin(), line.link->tables().end(),
                                                  [](const auto& table) { return table->sync.in_step(); });
  });
}

void Bridge::clear_gauges() {
  metrics_again_ = SteadyTime::min();
  for (Gauge* connected : connected_gauges_) connected->set(0);
  leases_gauge_.set(0);
  for (auto& meters : meters_)
    for (Gauge* gauge :
         {&meters.wanted, &meters.present, &meters.pending, &meters.foreign, &meters.held, &meters.lag, &meters.alarm})
      gauge->set(0);
}

void Bridge::show_metrics() {
  const auto now = host_->clock().steady();
  if (now < metrics_again_) return;
  metrics_again_ = now + kMetricsEvery;
  bool all_there = true;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    connected_gauges_[i]->set(links_[i].link->is_greeted() ? 1 : 0);
    if (i < settings_.helpers.size()) all_there = all_there && links_[i].link->is_greeted() && links_[i].link->absent().empty();
  }
  leases_gauge_.set(static_cast<std::int64_t>(leases_.size()));
  for (const auto& [set, name] : kSets) {
    SyncStatus all;
    std::optional<std::uint64_t> least;
    std::uint64_t added = 0, removed = 0;
    bool alarm = !all_there;
    for (const auto& line : links_)
      for (const auto& table : line.link->tables()) {
        if (table->sync.set() != set) continue;
        const auto status = table->sync.status(now);
        least = std::min(least.value_or(status.present), status.present);
        all.pending += status.pending;
        all.foreign += status.foreign;
        all.held += status.held;
        all.lag = std::max(all.lag, status.lag);
        alarm = alarm || !status.error.empty() || status.held > 0;
        added += table->sync.added();
        removed += table->sync.removed();
      }
    auto& meters = meters_[static_cast<std::size_t>(set)];
    meters.wanted.set(static_cast<std::int64_t>(wanted_.count(set)));
    meters.present.set(static_cast<std::int64_t>(least.value_or(0)));
    meters.pending.set(static_cast<std::int64_t>(all.pending));
    meters.foreign.set(static_cast<std::int64_t>(all.foreign));
    meters.held.set(static_cast<std::int64_t>(all.held));
    meters.lag.set(all.lag.count());
    meters.alarm.set(alarm ? 1 : 0);
    meters.added.add(added - std::min(added, meters.added_so_far));
    meters.removed.add(removed - std::min(removed, meters.removed_so_far));
    meters.added_so_far = added;
    meters.removed_so_far = removed;
  }
}

}  // namespace deferd::pfbridge
