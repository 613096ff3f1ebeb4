#include "commands.h"

#include <algorithm>

namespace deferd::blacklist {
namespace {

std::string_view text_of(const Value& args, std::string_view name) {
  const auto* value = args.is_map() ? args.find(name) : nullptr;
  return value != nullptr && value->is_text() ? std::string_view(value->text()) : std::string_view{};
}

std::string_view name_of(ListAction action) {
  for (const auto& [name, value] : Choices<ListAction>::values)
    if (value == action) return name;
  return {};
}

/// "12,345 addresses" is for people to write; here plain: `256 IPv4`, `256 IPv4, 3 IPv6 /64`.
std::string covered(const Coverage& coverage) {
  std::string text;
  if (coverage.v4_addresses != 0 || coverage.v6_networks == 0) text = std::to_string(coverage.v4_addresses) + " IPv4";
  if (coverage.v6_networks != 0) text += (text.empty() ? "" : ", ") + std::to_string(coverage.v6_networks) + " IPv6 /64";
  return text;
}

std::string progress(const FeedStatus& status) {
  if (status.total == 0) return std::to_string(status.bytes) + " bytes";
  return std::to_string(100 * std::min(status.bytes, status.total) / status.total) + "% of " + std::to_string(status.total) +
         " bytes";
}

void set_time(Value& row, std::string_view key, Time time) {
  if (time != Time{} && time != Time::max()) row.set(key, format_time(time));
}

void set_coverage(Value& row, std::uint64_t entries, const Coverage& coverage) {
  row.set("entries", entries);
  row.set("covers", covered(coverage));
  row.set("ipv4", coverage.v4_addresses);
  row.set("ipv6_networks", coverage.v6_networks);
}

}  // namespace

Result<void> Commands::run(std::string_view command, const Value& args, Rows& rows) {
  if (command == "lists") return lists(rows);
  if (command == "lists-refresh") return refresh(args, rows);
  if (command == "lists-test") return test(args, rows);
  return fail(Errc::not_found, "no such command: " + std::string(command));
}

Value Commands::row_of(std::size_t index) const {
  const auto& feed = *keeper_.feeds()[index];
  const auto status = feed.status();
  const auto listing = std::find_if(plan_.listings.begin(), plan_.listings.end(), [&](const auto& l) { return l.feed == index; });
  Value row = Value::map();
  row.set("list", feed.spec().name);
  row.set("action", listing == plan_.listings.end() ? std::string_view("white") : name_of(listing->action));
  row.set("state", to_string(status.state));
  set_coverage(row, status.entries, status.coverage);
  row.set("prefixes", status.prefixes);
  row.set("memory", status.memory);
  if (status.loading) row.set("loading", progress(status));
  set_time(row, "fetched", status.fetched);
  set_time(row, "checked", status.checked);
  if (status.checked != Time{}) row.set("age", format_duration(std::max(context_.clock().now() - status.checked, Duration{})));
  set_time(row, "next", status.next);
  row.set("source", feed.spec().source.to_string());
  if (listing != plan_.listings.end()) row.set("message", listing->message);
  if (!status.error.empty()) row.set("error", status.error);
  row.set("bad_lines", status.bad);
  if (!status.remarks.empty()) {
    Value remarks = Value::list();
    for (const auto& remark : status.remarks) remarks.append(remark);
    row.set("remarks", std::move(remarks));
  }
  return row;
}

Value Commands::row_of(const Pushed& pushed) const {
  const auto& [line, came] = pushed;
  Value row = Value::map();
  row.set("list", line.tag);
  row.set("action", name_of(port_action_));
  row.set("state", to_string(line.entries == 0 ? FeedState::empty : FeedState::good));
  set_coverage(row, line.entries, line.set.coverage());
  row.set("prefixes", line.set.size());
  row.set("memory", line.set.bytes());
  set_time(row, "fetched", came);
  row.set("age", format_duration(std::max(context_.clock().now() - came, Duration{})));
  row.set("source", "configuration port");
  row.set("message", line.message);
  return row;
}

Result<void> Commands::lists(Rows& rows) {
  for (std::size_t i = 0; i < keeper_.feeds().size(); ++i)
    if (!rows.row(row_of(i))) return {};
  if (port_ == nullptr) return {};
  for (const auto& pushed : port_->lists().all())
    if (!rows.row(row_of(*pushed))) return {};
  return {};
}

Result<void> Commands::refresh(const Value& args, Rows& rows) {
  const auto name = text_of(args, "list");
  if (auto done = keeper_.refresh(name); !done) return done;
  for (std::size_t i = 0; i < keeper_.feeds().size(); ++i)
    if (keeper_.feeds()[i]->spec().name == name) rows.row(row_of(i));
  return {};
}

std::string Commands::names(const std::vector<std::size_t>& feeds, const Address& client) const {
  std::string all;
  for (const auto index : feeds) {
    const auto& feed = *keeper_.feeds()[index];
    if (feed.was_loaded() && !feed.contains(client)) continue;
    all += (all.empty() ? "" : ", ") + feed.spec().name + (feed.was_loaded() ? "" : " (not loaded yet)");
  }
  return all;
}

Value Commands::place_of(std::size_t index, const Address& client) const {
  const auto& feed = *keeper_.feeds()[index];
  Value row = Value::map();
  row.set("list", feed.spec().name);
  if (const auto place = feed.find(client, keeper_.copies())) {
    row.set("line", place->line);
    row.set("entry", place->entry);
  }
  row.set("source", feed.spec().source.to_string());
  return row;
}

Result<void> Commands::test(const Value& args, Rows& rows) {
  const auto client = Address::parse(text_of(args, "address"));
  if (!client) return fail(Errc::invalid, "'address' must be an address");
  for (std::size_t i = 0; i < keeper_.feeds().size(); ++i) {
    if (!keeper_.feeds()[i]->contains(*client)) continue;
    Value row = place_of(i, *client);
    const auto listing = std::find_if(plan_.listings.begin(), plan_.listings.end(), [&](const auto& l) { return l.feed == i; });
    const auto white = listing == plan_.listings.end() ? "" : names(listing->excepted, *client);
    row.set("action", listing == plan_.listings.end() ? std::string_view("white") : name_of(listing->action));
    if (!white.empty()) row.set("but_white_by", white);
    if (!rows.row(row)) return {};
  }
  if (port_ == nullptr) return {};
  for (const auto& pushed : port_->lists().all()) {
    if (!pushed->line.set.contains(*client)) continue;
    Value row = Value::map();
    row.set("list", pushed->line.tag);
    row.set("source", "configuration port");
    row.set("action", name_of(port_action_));
    if (const auto white = names(plan_.excepted, *client); !white.empty()) row.set("but_white_by", white);
    if (!rows.row(row)) return {};
  }
  return {};
}

}  // namespace deferd::blacklist
