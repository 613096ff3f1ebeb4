// For the tests: mail to traps, files, and clients that were trapped.
#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "deferd/testing/fake_host.h"
#include "traplist.h"

namespace deferd::traplist {

using namespace std::chrono_literals;

/// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "traplist-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string path(std::string_view name) const { return (path_ / name).string(); }
  std::string write(std::string_view name, std::string_view text) const {
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }

 private:
  std::filesystem::path path_;
};

class TraplistTest : public ::testing::Test {
 protected:
  static constexpr auto kClient = "192.0.2.7";

  /// From now on the plugin has this configuration; what the host keeps stays, as at a reload.
  void configure(Config config, BetterMx* better = nullptr) {
    plugin = std::make_unique<Traplist>(std::move(config), host, better);
  }
  static Config with_trap() {
    Config config;
    config.addresses = {"trap@example.net"};
    return config;
  }
  FakeContext session(std::string_view client, std::string from) {
    FakeContext context(host);
    context.session().client = *Address::parse(client);
    context.session().mail_from = std::move(from);
    context.session().local = local;
    context.set_deadline(host.clock().steady() + time_for_a_hook);
    return context;
  }
  Verdict to(const std::string& rcpt, std::string_view client = kClient, std::string from = "a@example.org") {
    auto context = session(client, std::move(from));
    return plugin->on_rcpt(context, rcpt);
  }
  std::optional<TableRow> row(std::string_view table, std::string_view client = kClient) {
    return or_throw(host.tables().find(table, *Address::parse(client))).row;
  }
  bool is_trapped(std::string_view client = kClient) { return row(kTrapped, client).has_value(); }
  void put(std::string_view table, std::string_view prefix, std::string source, Duration time = 24h) {
    TableRow made;
    made.prefix = *Prefix::parse(prefix);
    made.added = host.clock().now();
    made.expires = made.added + time;
    made.source = std::move(source);
    or_throw(host.tables().put(table, made));
  }
  void after(std::chrono::milliseconds time) { host.clock().advance(time); }
  std::uint64_t hits(std::string_view by) { return host.count("deferd_traplist_hits_total", {{"by", by}}); }

  std::vector<Value> command(std::string_view name, std::initializer_list<std::pair<std::string_view, std::string>> args) {
    Value map = Value::map();
    for (const auto& [key, value] : args) map.set(key, value);
    FakeContext context(host);
    FakeRows rows;
    or_throw(plugin->on_command(context, name, map, rows));
    return rows.rows;
  }

  Folder folder;
  Address local;
  std::chrono::milliseconds time_for_a_hook = 60s;
  FakeHost host{"traplist"};
  std::unique_ptr<Traplist> plugin = std::make_unique<Traplist>(with_trap(), host);
};

inline bool is_defer(const Verdict& verdict) { return verdict.action == Action::defer; }
inline bool is_pass(const Verdict& verdict) { return verdict.action == Action::pass; }

}  // namespace deferd::traplist
