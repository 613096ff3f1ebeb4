#include "commands.h"

#include <algorithm>
#include <array>

#include "correspondents.h"
#include "envelope.h"
#include "expect.h"
#include "import.h"
#include "keys.h"
#include "known_senders.h"
#include "pair.h"
#include "tuple.h"

namespace deferd::greylist {
namespace {

using namespace std::chrono_literals;
constexpr std::size_t kPage = 500;
constexpr auto kExpectMost = std::chrono::hours{24 * 7};

std::string_view text_of(const Value& args, std::string_view name) {
  const auto* value = args.is_map() ? args.find(name) : nullptr;
  return value != nullptr && value->is_text() ? std::string_view(value->text()) : std::string_view{};
}

Result<Address> client_of(const Value& args) {
  auto client = Address::parse(text_of(args, "client"));
  if (!client) return fail(Errc::invalid, "'client' must be an address");
  return client;
}

Result<Prefix> clients_of(const Value& args) {
  auto clients = Prefix::parse(text_of(args, "client"));
  if (!clients) return fail(Errc::invalid, "'client' must be an address or a prefix");
  return clients;
}

Result<std::string_view> mail_address_of(const Value& args, std::string_view name) {
  auto text = text_of(args, name);
  if (text.starts_with('<') && text.ends_with('>')) text = text.substr(1, text.size() - 2);
  if (text.size() > kFoldedMax) return fail(Errc::invalid, "'" + std::string(name) + "' is too long for a mail address");
  return text;
}

Change keep(std::string_view key, std::string value, Time expires) {
  return {std::string(key), std::move(value), expires, std::nullopt};
}

}  // namespace

Result<void> Commands::run(std::string_view command, const Value& args, Rows& rows) {
  if (command == "list-grey") return list(rows);
  if (command == "show") return show(args, rows);
  if (command == "delete") return forget(args, rows);
  if (command == "release") return release(args, rows);
  if (command == "expect") return expect(args, rows);
  if (command == "import-grey") return import_tuples(context_, config_, profile_, args, rows);
  if (command == "delete-grey") return give_up(args, rows);
  return fail(Errc::not_found, "no such command: " + std::string(command));
}

Identity Commands::identity_of(const Address& client) const { return identify(client, config_.ipv4_prefix, config_.ipv6_prefix); }

// Calls `visit(record)` for every tuple; false ends it.
template <class Visit>
Result<void> Commands::each_tuple(Visit visit) {
  for (const auto groups : {kPairGroups, kSpamdGroups}) {
    std::string cursor;
    do {
      auto page = context_.store().scan(groups, cursor, kPage);
      if (!page) return tl::unexpected(std::move(page.error()));
      for (const auto& record : page->records) {
        const auto envelope = envelope_of(record.group);
        const auto tuple = is_tuple_key(record.key) ? decode_tuple(record.value) : std::nullopt;
        if (envelope && tuple && !visit(TupleRecord{record, *envelope, *tuple})) return {};
      }
      cursor = std::move(page->cursor);
    } while (!cursor.empty());
  }
  return {};
}

Value Commands::row_of(const TupleRecord& found) const {
  const auto& tuple = found.tuple;
  const bool spamd = found.record.group.starts_with(kSpamdGroups);
  const auto pass_time = found.record.key.starts_with('n') ? profile_.pass_prefix : profile_.pass_address;
  const auto due = tuple.released ? tuple.first : tuple.first + pass_time + Duration(spamd ? 1 : 0);
  const auto now = context_.clock().now();
  Value row = Value::map();
  row.set("client", tuple.client.to_string());
  row.set("from", found.envelope.from);
  row.set("to", found.envelope.to);
  if (spamd) row.set("helo", found.record.key.substr(std::min(found.record.key.size(), found.record.key.find('\n') + 1)));
  row.set("first", format_time(tuple.first));
  row.set("last", format_time(tuple.last));
  row.set("tries", static_cast<std::int64_t>(tuple.tries));
  row.set("due", format_time(due));
  if (tuple.passed != Time{}) row.set("passed", format_time(tuple.passed));
  row.set("expires", format_time(found.record.expires));
  row.set("state", tuple.passed != Time{} ? "passed" : tuple.released ? "released" : now >= due ? "due" : "waiting");
  return row;
}

Result<void> Commands::list(Rows& rows) {
  return each_tuple([&](const TupleRecord& found) { return rows.row(row_of(found)); });
}

Result<void> Commands::show(const Value& args, Rows& rows) {
  const auto key = text_of(args, "key");
  if (const auto client = Address::parse(key)) return show_client(*client, rows);
  if (key.find('@') != key.npos) return show_mail_address(key, rows);
  return fail(Errc::invalid, "'key' must be the address of a client or a mail address");
}

Result<void> Commands::show_client(const Address& client, Rows& rows) {
  const auto identity = identity_of(client);
  const auto group = identity_group(identity);
  std::string cursor;
  do {
    auto page = context_.store().scan(group, cursor, kPage);
    if (!page) return tl::unexpected(std::move(page.error()));
    for (const auto& record : page->records) {
      if (record.group != group) continue;
      Value row = Value::map();
      row.set("client", client.to_string());
      row.set("identity", identity.to_string());
      if (const auto tuple = record.key == kConnected ? decode_tuple(record.value) : std::nullopt) {
        row.set("state", "connected");
        row.set("first", format_time(tuple->first));
        row.set("last", format_time(tuple->last));
        row.set("tries", static_cast<std::int64_t>(tuple->tries));
      } else if (const auto known = record.key.starts_with('d') ? decode_known_sender(record.value) : std::nullopt) {
        const auto pairs = known->pairs(context_.clock().now(), config_.known_senders.expiry, {});
        row.set("state", pairs >= config_.known_senders.pairs ? "known" : "becoming known");
        row.set("domain", record.key.substr(1));
        row.set("pairs", static_cast<std::int64_t>(pairs));
      } else {
        continue;
      }
      row.set("expires", format_time(record.expires));
      if (!rows.row(row)) return {};
    }
    cursor = std::move(page->cursor);
  } while (!cursor.empty());
  return each_tuple([&](const TupleRecord& found) { return found.tuple.client != client || rows.row(row_of(found)); });
}

Result<void> Commands::show_mail_address(std::string_view address, Rows& rows) {
  const auto as_sender = fold_sender(address);
  const auto as_recipient = fold_recipient(address);
  const std::array<std::string_view, 1> keys = {kWindows};
  const auto records = context_.store().read(expect_group(as_recipient), keys);
  if (!records) return tl::unexpected(records.error());
  const auto windows = (*records)[0].value ? decode_windows(*(*records)[0].value) : std::nullopt;
  for (const auto& window : windows.value_or(Windows{}).open) {
    if (window.until <= context_.clock().now()) continue;
    Value row = Value::map();
    row.set("state", "expected");
    row.set("from", window.domain.empty() ? "anybody" : window.domain);
    row.set("to", as_recipient);
    row.set("expires", format_time(window.until));
    if (!rows.row(row)) return {};
  }
  return each_tuple([&](const TupleRecord& found) {
    const auto& [from, to] = found.envelope;
    return (fold_sender(from) != as_sender && fold_recipient(to) != as_recipient) || rows.row(row_of(found));
  });
}

// Erasing the white row makes all that was learned of the client worthless at once; the records themselves go for tidiness.
Result<void> Commands::forget(const Value& args, Rows& rows) {
  const auto clients = clients_of(args);
  if (!clients) return tl::unexpected(clients.error());
  const auto& address = clients->address();
  const auto white = clients->is_host() && !address.is_v4() ? Prefix(address, config_.white_ipv6_prefix) : *clients;
  const auto erased = context_.tables().erase(kWhite, white, "operator");
  if (!erased) return tl::unexpected(erased.error());

  std::vector<std::pair<std::string, std::string>> doomed;
  const auto remember = [&](const TupleRecord& found) {
    if (clients->contains(found.tuple.client)) doomed.emplace_back(found.record.group, found.record.key);
    return true;
  };
  if (auto scanned = each_tuple(remember); !scanned) return scanned;
  const std::array<std::string_view, 1> keys = {kConnected};
  const auto group = identity_group(identity_of(address));
  const auto connected = context_.store().read(group, keys);
  if (!connected) return tl::unexpected(connected.error());
  if ((*connected)[0].value) doomed.emplace_back(group, kConnected);
  for (const auto& [where, key] : doomed) {
    const Change change{key, std::nullopt, Time{}, std::nullopt};
    if (auto done = context_.store().commit(where, {&change, 1}); !done) return done;
  }
  Value row = Value::map();
  row.set("deleted", static_cast<std::int64_t>(doomed.size()));
  rows.row(row);
  return {};
}

// spamdb(8) -d -G: one tuple of the client, whichever is found first.
Result<void> Commands::give_up(const Value& args, Rows& rows) {
  const auto client = client_of(args);
  if (!client) return tl::unexpected(client.error());
  Result<void> done;
  std::int64_t deleted = 0;
  auto scanned = each_tuple([&](const TupleRecord& found) {
    if (found.tuple.client != *client) return true;
    const Change change{found.record.key, std::nullopt, Time{}, std::nullopt};
    done = context_.store().commit(found.record.group, {&change, 1});
    deleted = 1;
    return false;
  });
  if (!scanned) return scanned;
  if (!done) return done;
  Value row = Value::map();
  row.set("deleted", deleted);
  rows.row(row);
  return {};
}

Result<void> Commands::release(const Value& args, Rows& rows) {
  const auto client = client_of(args);
  if (!client) return tl::unexpected(client.error());
  const auto from = mail_address_of(args, "from");
  const auto to = mail_address_of(args, "to");
  if (!from || !to) return tl::unexpected(!from ? from.error() : to.error());
  if (to->empty()) return fail(Errc::invalid, "'to' is missing: the recipient");

  const auto group =
      profile_.spamd ? spamd_group(keep_bytes(*from), keep_bytes(*to)) : pair_group(fold_sender(*from), fold_recipient(*to));
  const auto key = profile_.spamd ? spamd_key(*client, keep_bytes(text_of(args, "helo"))) : identity_of(*client).key();
  const std::array<std::string_view, 1> keys = {key};
  const auto now = context_.clock().now();
  const auto done = update(context_.store(), group, keys, [&](std::span<const Record> records) {
    auto tuple = records[0].value ? decode_tuple(*records[0].value) : std::nullopt;
    if (!tuple) {
      tuple = Tuple{};
      tuple->last = now;
      tuple->client = *client;
    }
    tuple->first = now;  // so that nothing revoked before stands in its way, and it has the whole window to come back
    tuple->released = true;
    return std::vector<Change>{keep(key, encode(*tuple), now + profile_.grey_expiry)};
  });
  if (!done) return done;
  Value row = Value::map();
  row.set("released", client->to_string());
  row.set("from", std::string(*from));
  row.set("to", std::string(*to));
  row.set("until", format_time(now + profile_.grey_expiry));
  rows.row(row);
  return {};
}

Result<void> Commands::expect(const Value& args, Rows& rows) {
  const auto to = mail_address_of(args, "to");
  if (!to) return tl::unexpected(to.error());
  if (to->empty()) return fail(Errc::invalid, "'to' is missing: the recipient");
  auto domain = std::string(text_of(args, "from_domain"));
  if (domain.starts_with('@')) domain.erase(0, 1);
  domain = domain.empty() ? domain : sender_domain("@" + domain);
  if (domain.size() > 255) return fail(Errc::invalid, "'from_domain' is too long for a domain");
  const auto wanted = parse_duration(text_of(args, "for"));
  if (!wanted || *wanted < 1s || *wanted > kExpectMost)
    return fail(Errc::invalid, "'for' must be a time within 1s to 7d, like 15m");

  const auto now = context_.clock().now();
  const auto until = now + std::chrono::duration_cast<Duration>(*wanted);
  const auto group = expect_group(fold_recipient(*to));
  const std::array<std::string_view, 1> keys = {kWindows};
  const auto done = update(context_.store(), group, keys, [&](std::span<const Record> records) {
    auto windows = (records[0].value ? decode_windows(*records[0].value) : std::nullopt).value_or(Windows{});
    windows.add({domain, until}, now);
    return std::vector<Change>{keep(kWindows, encode(windows), windows.last())};
  });
  if (!done) return done;
  Value row = Value::map();
  row.set("to", fold_recipient(*to));
  row.set("from", domain.empty() ? std::string("anybody") : domain);
  row.set("until", format_time(until));
  rows.row(row);
  return {};
}

}  // namespace deferd::greylist
