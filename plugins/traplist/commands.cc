#include "commands.h"

#include <array>
#include <charconv>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "added_traps.h"
#include "hits.h"
#include "traplist.h"

namespace deferd::traplist {
namespace {

std::string_view text_of(const Value& args, std::string_view name) {
  const auto* value = args.is_map() ? args.find(name) : nullptr;
  return value != nullptr && value->is_text() ? std::string_view(value->text()) : std::string_view{};
}

Result<std::string> address_of(std::string_view text) {
  if (text.size() > kAddressMax) return fail(Errc::invalid, "'address' is longer than any mail address");
  const auto folded = fold(text);
  const auto wrong = wrong_address(folded);
  if (!wrong.empty()) return fail(Errc::invalid, "'address' " + wrong);
  if (local_part(folded).empty() || domain_of(folded).empty())
    return fail(Errc::invalid, "'address' must be a mail address: user@example.org");
  return folded;
}

/// Seconds since 1970; 0 is now.
Time added_of(std::string_view text, Time now) {
  Duration::rep seconds = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), seconds);
  return read.ec != std::errc{} || seconds == 0 ? now : Time(Duration(seconds));
}

Value trap_row(const std::string& address, Time added) {
  Value row = Value::map();
  row.set("address", address);
  row.set("added", format_time(added));
  return row;
}

}  // namespace

Result<void> Commands::run(std::string_view command, const Value& args, Rows& rows) {
  if (command == "add-trap") return add(args, rows);
  if (command == "import-traps") return import_many(args, rows);
  if (command == "remove-trap") return remove(args, rows);
  if (command == "list-traps") return list(args, rows);
  if (command == "show") return show(args, rows);
  if (command == "delete") return forget(args, rows);
  return fail(Errc::not_found, "no such command: " + std::string(command));
}

Result<void> Commands::add(const Value& args, Rows& rows) {
  const auto address = address_of(text_of(args, "address"));
  if (!address) return tl::unexpected(address.error());
  const bool fresh = add_trap(context_.store(), *address, context_.clock().now());
  Value row = Value::map();
  row.set("address", *address);
  row.set("new", fresh);
  rows.row(row);
  return {};
}

Result<void> Commands::import_many(const Value& args, Rows& rows) {
  const auto* list = args.is_map() ? args.find("rows") : nullptr;
  const auto* dry = args.is_map() ? args.find("dry") : nullptr;
  if (list == nullptr || !list->is_list()) return fail(Errc::invalid, "'rows' must be a list");
  std::vector<std::pair<std::string, Time>> traps;
  for (const auto& row : list->items()) {
    if (!row.is_list() || row.size() != 2) return fail(Errc::invalid, "each of 'rows' must be a list of 2 texts");
    auto address = address_of(row.items()[0].text());
    if (!address) return tl::unexpected(address.error());
    traps.emplace_back(std::move(*address), added_of(row.items()[1].text(), context_.clock().now()));
  }
  const bool only_asked = dry != nullptr && dry->boolean();
  std::set<std::string_view> seen;  // twice in one list is once
  std::int64_t added = 0, kept = 0;
  for (const auto& [address, when] : traps) {
    const bool fresh = only_asked ? seen.insert(address).second && !find_added(context_.store(), address)
                                  : add_trap(context_.store(), address, when);
    ++(fresh ? added : kept);
  }
  Value row = Value::map();
  row.set("added", added);
  row.set("kept", kept);
  rows.row(row);
  return {};
}

Result<void> Commands::remove(const Value& args, Rows& rows) {
  const auto address = address_of(text_of(args, "address"));
  if (!address) return tl::unexpected(address.error());
  Value row = Value::map();
  row.set("address", *address);
  row.set("removed", remove_trap(context_.store(), *address));
  if (const auto still = traplist_.trap_of(context_.store(), *address)) row.set("still_by", *still);
  rows.row(row);
  return {};
}

Result<void> Commands::list(const Value& args, Rows& rows) {
  if (!text_of(args, "address").empty()) {
    const auto address = address_of(text_of(args, "address"));
    if (!address) return tl::unexpected(address.error());
    const auto added = find_added(context_.store(), *address);
    if (added) rows.row(trap_row(*address, *added));
    return {};
  }
  each_trap(context_.store(), [&](const std::string& address, Time added) { return rows.row(trap_row(address, added)); });
  return {};
}

Result<void> Commands::show(const Value& args, Rows& rows) {
  const auto key = text_of(args, "key");
  Value row = Value::map();
  if (const auto client = Address::parse(key)) {
    const std::array<std::string_view, 2> keys = {kHits, kUnknown};
    const auto records = or_throw(context_.store().read(client_group(traplist_.unit_of(*client).to_string()), keys));
    if (!records[0].value && !records[1].value) return {};
    row.set("client", client->to_string());
    row.set("state", "not trapped yet");
    for (std::size_t i = 0; i < keys.size(); ++i)
      if (records[i].value) row.set(keys[i], static_cast<std::int64_t>(counted(*records[i].value)));
    rows.row(row);
  } else if (key.find('@') != key.npos) {
    const auto folded = fold(key);
    const auto by = traplist_.trap_of(context_.store(), folded);
    if (!by) return {};
    row.set("trap", folded);
    row.set("by", *by);
    if (const auto added = find_added(context_.store(), folded)) row.set("added", format_time(*added));
    rows.row(row);
  }
  return {};
}

// The daemon has erased the rows of exactly this client; of IPv6 clients the row may be that of their network.
Result<void> Commands::forget(const Value& args, Rows& rows) {
  const auto clients = Prefix::parse(text_of(args, "client"));
  if (!clients) return fail(Errc::invalid, "'client' must be an address or a prefix");
  const auto unit = clients->is_host() ? traplist_.unit_of(clients->address()) : *clients;
  std::int64_t deleted = 0;
  if (unit != *clients && or_throw(context_.tables().erase(kTrapped, unit, "operator"))) ++deleted;
  const std::array<std::string_view, 3> keys = {kHits, kUnknown, kSeen};
  const auto group = client_group(unit.to_string());
  const auto records = or_throw(context_.store().read(group, keys));
  std::vector<Change> changes;
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (records[i].value) changes.push_back({std::string(keys[i]), std::nullopt, Time{}, {}});
  if (!changes.empty()) or_throw(context_.store().commit(group, changes));
  Value row = Value::map();
  row.set("deleted", deleted + static_cast<std::int64_t>(changes.size()));
  rows.row(row);
  return {};
}

}  // namespace deferd::traplist
