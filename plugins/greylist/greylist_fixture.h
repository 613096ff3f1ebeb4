// For the tests: mail that strangers try to send.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/testing/fake_host.h"
#include "greylist.h"

namespace deferd::greylist {

using namespace std::chrono_literals;

class GreylistTest : public ::testing::Test {
 protected:
  static constexpr auto kFrom = "a@example.org";
  static constexpr auto kTo = "b@example.net";

  /// From now on the plugin has this configuration; what the host keeps stays, as at a reload.
  void configure(Config config) { plugin = std::make_unique<Greylist>(std::move(config), host); }
  void after(std::chrono::milliseconds time) { host.clock().advance(time); }

  FakeContext session(std::string_view client, std::string from = kFrom) {
    FakeContext context(host);
    context.session().id = ++sessions;
    context.session().client = *Address::parse(client);
    context.session().mail_from = std::move(from);
    context.session().tags = tags;
    return context;
  }
  Verdict attempt(std::string_view client, std::string from = kFrom, const std::string& to = kTo) {
    auto context = session(client, std::move(from));
    return plugin->on_rcpt(context, to);
  }
  /// An attempt whose message, if it passes, is accepted.
  Verdict deliver(std::string_view client, std::string from = kFrom, const std::string& to = kTo) {
    auto context = session(client, std::move(from));
    auto verdict = plugin->on_rcpt(context, to);
    if (verdict.action != Action::pass) return verdict;
    context.session().rcpt_to.push_back(to);
    plugin->on_accepted(context);
    return verdict;
  }
  bool passes(std::string_view client, std::string from = kFrom, const std::string& to = kTo) {
    return attempt(client, std::move(from), to).action == Action::pass;
  }
  /// The client retries after pass_time and is white from then on.
  void befriend(std::string_view client, std::string from = kFrom, const std::string& to = kTo) {
    attempt(client, from, to);
    after(5min);
    ASSERT_TRUE(passes(client, from, to));
  }

  std::optional<TableRow> white_row(std::string_view client) { return find(kWhite, client); }
  std::optional<TableRow> find(std::string_view table, std::string_view client) {
    return or_throw(host.tables().find(table, *Address::parse(client))).row;
  }
  void put(std::string_view table, std::string_view prefix, std::string source = "operator", Duration time = 24h) {
    TableRow row;
    row.prefix = *Prefix::parse(prefix);
    row.added = host.clock().now();
    row.expires = row.added + time;
    row.source = std::move(source);
    or_throw(host.tables().put(table, row));
  }
  void erase_white(std::string_view prefix) { or_throw(host.tables().erase(kWhite, *Prefix::parse(prefix), "operator")); }

  /// How many records the plugin holds.
  std::size_t records() {
    std::size_t count = 0;
    for (const auto group : {"p", "s", "i", "e"}) {
      std::string cursor;
      do {
        const auto page = or_throw(host.store().scan(group, cursor, 1000));
        count += page.records.size();
        cursor = page.cursor;
      } while (!cursor.empty());
    }
    return count;
  }
  std::uint64_t answers(std::string_view answer) { return host.count("deferd_greylist_answers_total", {{"answer", answer}}); }
  std::vector<double> delays() { return host.observed("deferd_greylist_delay_seconds"); }

  Result<std::vector<Value>> command(std::string_view name,
                                     std::initializer_list<std::pair<std::string_view, std::string>> args) {
    Value map = Value::map();
    for (const auto& [key, value] : args) map.set(key, value);
    FakeContext context(host);
    FakeRows rows;
    if (auto done = plugin->on_command(context, name, map, rows); !done) return tl::unexpected(done.error());
    return rows.rows;
  }

  FakeHost host{"greylist"};
  std::unique_ptr<Greylist> plugin = std::make_unique<Greylist>(Config{}, host);
  std::vector<std::string> tags;
  std::uint64_t sessions = 0;
};

}  // namespace deferd::greylist
