#include "pfbridge/link.h"

#include <algorithm>
#include <map>

namespace deferd::pfbridge {

Link::Link(LinkTables tables, const Wanted& wanted, SyncRules rules, Passed passed, Told told)
    : wanted_tables_(std::move(tables)), wanted_(wanted), rules_(rules), passed_(std::move(passed)), told_(std::move(told)) {}

void Link::connected(SteadyTime now) {
  connected_ = true;
  greeted_ = false;
  connected_at_ = alive_at_ = now;
  reader_ = {};
  output_.clear();
  bridge::write_frame(output_, 0, bridge::Hello{});
  bridge::write_frame(output_, 0, bridge::Alive{});
}

void Link::lost(SteadyTime now) {
  connected_ = greeted_ = false;
  output_.clear();
  for (const auto& table : tables_) {
    table->sync.lost(now);
    table->change = table->reading = {};
    table->number.reset();
  }
}

std::optional<Set> Link::set_of(const std::string& name) const {
  if (wanted_tables_.none) return std::nullopt;
  if (wanted_tables_.by_name.empty()) return set_named(name);
  for (const auto& [set, its_name] : wanted_tables_.by_name)
    if (its_name == name) return set;
  return std::nullopt;
}

/// What is known of a table is kept while the helper is away, as long as it comes back with it.
void Link::greet(const bridge::Hello& hello) {
  greeted_ = true;
  std::map<std::string, unsigned> seen;
  std::vector<std::unique_ptr<Table>> tables;
  for (std::size_t number = 0; number < hello.tables.size(); ++number) {
    const auto& name = hello.tables[number];
    const auto set = set_of(name);
    if (!set) continue;
    const unsigned place = seen[name]++;
    const auto known = std::find_if(tables_.begin(), tables_.end(),
                                    [&](const auto& table) { return table && table->name == name && table->place == place; });
    if (known != tables_.end())
      tables.push_back(std::move(*known));
    else
      tables.push_back(std::make_unique<Table>(Table{name, place, TableSync(*set, wanted_, rules_), false, false, {}, {}, {}}));
    tables.back()->number = static_cast<std::uint8_t>(number);
  }
  tables_ = std::move(tables);
  absent_.clear();
  for (const auto& [set, name] : wanted_tables_.by_name)
    if (!seen.contains(name)) absent_.push_back(name);
}

Link::Table* Link::waiting_for(std::uint32_t id, Request Table::*request) {
  for (const auto& table : tables_)
    if (id != 0 && ((*table).*request).id == id) return table.get();
  return nullptr;
}

Result<void> Link::answer(const bridge::Frame& frame, SteadyTime now) {
  if (const auto* passed = std::get_if<bridge::Passed>(&frame.message)) {
    if (!passed->host.is_host()) return fail(Errc::invalid, "the helper told of a connection of a whole network");
    passed_(*passed);
    return {};
  }
  if (Table* table = waiting_for(frame.id, &Table::reading)) {
    // A change that came later may wait until all is read.
    table->reading.at = table->change.at = now;
    if (const auto* some = std::get_if<bridge::Entries>(&frame.message)) {
      if (!table->sync.take(*some)) return fail(Errc::invalid, "the helper read more than was asked for");
      return {};
    }
    if (const auto* done = std::get_if<bridge::Done>(&frame.message)) {
      table->reading = {};
      if (table->sync.take_read(*done, now)) told_(table->name, table->sync.status(now));
      return {};
    }
  }
  if (Table* table = waiting_for(frame.id, &Table::change))
    if (const auto* done = std::get_if<bridge::Done>(&frame.message)) {
      table->change = {};
      if (table->sync.take(*done, now)) told_(table->name, table->sync.status(now));
      return {};
    }
  return fail(Errc::invalid, "the helper answered what nobody asked");
}

Result<void> Link::receive(std::string_view bytes, SteadyTime now) {
  reader_.add(bytes);
  while (const auto frame = reader_.next()) {
    if (const auto* hello = std::get_if<bridge::Hello>(&frame->message)) {
      if (greeted_) return fail(Errc::invalid, "the helper greeted twice");
      if (hello->version != bridge::kVersion)
        return fail(Errc::invalid, "the helper speaks version " + std::to_string(hello->version) + " of the protocol, deferd " +
                                       std::to_string(bridge::kVersion) + ": install both from one release");
      greet(*hello);
      continue;
    }
    if (!greeted_) return fail(Errc::invalid, "the helper did not greet");
    if (auto taken = answer(*frame, now); !taken) return taken;
  }
  if (reader_.broken()) return fail(Errc::invalid, "what the helper says is not of the protocol");
  return {};
}

Result<void> Link::step(std::string_view position, SteadyTime now, Time wall) {
  if (!connected_) return {};
  if (!greeted_ && now - connected_at_ >= kGreetingWithin) return fail(Errc::busy, "the helper does not greet");
  if (now - alive_at_ >= kAliveEvery) {
    bridge::write_frame(output_, 0, bridge::Alive{});
    alive_at_ = now;
  }
  if (!greeted_) return {};
  for (const auto& table : tables_) {
    for (const Request& request : {table->change, table->reading})
      if (request.id != 0 && now - request.at >= kAnswerWithin) return fail(Errc::busy, "the helper does not answer");
    if (!table->prepared || !table->number) continue;
    while (const auto message = table->sync.next(*table->number, position, now, wall)) {
      auto& request = std::holds_alternative<bridge::Read>(*message) ? table->reading : table->change;
      request = {next_id_, now};
      next_id_ = std::max(1u, next_id_ + 1);
      bridge::write_frame(output_, request.id, *message);
    }
  }
  return {};
}

void Link::touch(Set set, const Prefix& entry, bool was, SteadyTime now) {
  for (const auto& table : tables_)
    if (table->sync.set() == set) table->sync.touch(entry, was, now);
}

}  // namespace deferd::pfbridge
