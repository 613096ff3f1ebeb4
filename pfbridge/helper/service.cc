#include "pfbridge/helper/service.h"

#include <algorithm>
#include <exception>

namespace deferd::bridge {
namespace {

constexpr std::chrono::seconds kSoon{2};

// Everybody, as halves: not every packet filter takes a prefix of length 0 in a table.
const std::vector<Entry>& everybody() {
  static const std::vector<Entry> halves{*Entry::parse("0.0.0.0/1"), *Entry::parse("128.0.0.0/1"), *Entry::parse("::/1"),
                                         *Entry::parse("8000::/1")};
  return halves;
}

}  // namespace

Bypass::Bypass(Backend* table, std::chrono::seconds patience, Time now, Log log)
    : table_(table), patience_(patience), began_(now), last_(now), log_(std::move(log)) {}

Result Bypass::add_everybody() {
  std::vector<Row> rows;
  for (const Entry& entry : everybody()) rows.push_back({entry, 0});
  return table_->add(rows);
}

bool Bypass::leave() {
  if (!table_ || (open_ && known_)) return true;
  const auto result = add_everybody();
  log_(result.ok() ? "everybody passes until a helper sees that deferd is alive"
                   : "the bypass table cannot be filled: " + result.error);
  return result.ok();
}

void Bypass::alive(Time now) {
  last_ = now;
  tick(now);
}

void Bypass::tick(Time now) {
  if (!table_) return;
  const bool open = now - last_ >= patience_;
  // Now and then it is done again, as rules may have been loaded anew; and often at first, as a helper before this one may throw
  // the switch late: when its own patience has ended, or it is ended itself.
  const bool is_young = !open && now - began_ < 2 * patience_;
  if (open == open_ && known_ && now - settled_ < (is_young ? std::min(kSoon, patience_) : patience_)) return;
  // Before the first sign of life or its absence nothing is touched.
  if (!open && !known_ && last_ != now) return;
  const Result result = open ? add_everybody() : table_->remove(everybody());
  if (!result.ok()) {
    if (!complained_) log_(std::string("the bypass table cannot be ") + (open ? "filled: " : "emptied: ") + result.error);
    complained_ = true;
    return;
  }
  if (open != open_ || complained_)
    log_(open ? "deferd gives no sign of life: everybody passes" : "deferd is alive: strangers go to it again");
  complained_ = false;
  open_ = open;
  known_ = true;
  settled_ = now;
}

Service::Service(std::vector<NamedTable>& tables, Bypass& bypass, Locate locate)
    : tables_(tables), bypass_(bypass), locate_(std::move(locate)) {
  Hello hello;
  for (const auto& table : tables_) hello.tables.push_back(table.name);
  write_frame(output_, 0, hello);
}

bool Service::take(std::string_view bytes, Time now) {
  reader_.add(bytes);
  std::vector<Frame> frames;
  while (auto frame = reader_.next()) frames.push_back(std::move(*frame));
  // A client waits for these; nobody does for the rest.
  std::stable_partition(frames.begin(), frames.end(), [](const Frame& frame) {
    return std::holds_alternative<Hello>(frame.message) || std::holds_alternative<Whereto>(frame.message);
  });
  for (const Frame& frame : frames) {
    if (const auto* hello = std::get_if<Hello>(&frame.message)) {
      if (greeted_ || hello->version != kVersion) return false;
      greeted_ = true;
      continue;
    }
    if (!greeted_) return false;
    if (std::holds_alternative<Alive>(frame.message))
      bypass_.alive(now);
    else if (frame.message.index() >= 6)  // only a helper says these
      return false;
    else
      serve(frame);
  }
  return !reader_.broken();
}

void Service::serve(const Frame& frame) {
  if (const auto* add = std::get_if<Add>(&frame.message))
    change(frame.id, add->table, [&](Backend& table) { return table.add(add->rows); });
  else if (const auto* remove = std::get_if<Remove>(&frame.message))
    change(frame.id, remove->table, [&](Backend& table) { return table.remove(remove->entries); });
  else if (const auto* read_table = std::get_if<Read>(&frame.message))
    read(frame.id, read_table->table);
  else if (const auto* whereto = std::get_if<Whereto>(&frame.message))
    write_frame(output_, frame.id, Destination{locate_ ? locate_(whereto->client, whereto->own) : std::nullopt});
}

void Service::change(std::uint32_t id, std::uint8_t table, const std::function<Result(Backend&)>& change) {
  Done done;
  if (table >= tables_.size()) {
    done.error = "the helper has no table of this number";
  } else {
    try {
      const auto result = change(*tables_[table].backend);
      done = {result.error, result.changed};
    } catch (const std::exception& error) {
      done.error = error.what();
    }
  }
  write_frame(output_, id, done);
}

void Service::read(std::uint32_t id, std::uint8_t table) {
  std::vector<Entry> entries;
  Done done;
  if (table >= tables_.size()) {
    done.error = "the helper has no table of this number";
  } else {
    // A table that does not exist, or that no rule uses, is told now: reading happens at the start and on a schedule.
    auto& backend = *tables_[table].backend;
    Result result = backend.check();
    if (result.ok()) {
      if (auto reading = backend.begin_reading()) {
        readings_.push_back({id, std::move(reading)});
        return;
      }
      result = backend.read(entries);
    }
    done = {result.error, result.changed};
    if (!result.ok()) entries.clear();
  }
  send(id, entries);
  write_frame(output_, id, done);
}

void Service::work() {
  if (readings_.empty()) return;
  auto& ongoing = readings_.front();
  std::vector<Entry> entries;
  bool more = false;
  const auto result = ongoing.reading->next(entries, more);
  ongoing.count += static_cast<std::uint32_t>(entries.size());
  send(ongoing.id, entries);
  if (result.ok() && more) return;
  write_frame(output_, ongoing.id, Done{result.error, ongoing.count});
  readings_.pop_front();
}

void Service::send(std::uint32_t id, const std::vector<Entry>& entries) {
  for (std::size_t at = 0; at < entries.size(); at += kMaxEntries) {
    const auto end = std::min(entries.size(), at + kMaxEntries);
    write_frame(output_, id,
                Entries{{entries.begin() + static_cast<std::ptrdiff_t>(at), entries.begin() + static_cast<std::ptrdiff_t>(end)}});
  }
}

}  // namespace deferd::bridge
