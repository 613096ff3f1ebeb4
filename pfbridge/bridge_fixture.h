// A bridge with a helper and tables in memory; time stands still until a test moves it.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "deferd/testing/fake_host.h"
#include "pfbridge/bridge.h"
#include "pfbridge/fake_helper.h"
#include "store/engine.h"

namespace deferd::pfbridge {

using namespace std::chrono_literals;

class BridgeTest : public testing::Test {
 protected:
  static Settings settings_of(SyncRules rules = {}) {
    Settings settings;
    settings.helpers = {{"/run/helper", {}}};
    settings.rules = rules;
    return settings;
  }

  /// deferd starts.
  void start(Settings settings = settings_of()) {
    stop();
    bridge = std::make_unique<Bridge>(std::move(settings), host);
    bridge->lend(&host, nullptr);
    connect();
    settle();
  }
  void stop() {
    bridge.reset();
    helper.hang_up();
  }
  void connect() {
    helper.connect();
    bridge->connected(0);
  }
  void disconnect() {
    helper.hang_up();
    bridge->lost(0, "gone");
  }

  /// Until nobody has anything to say.
  void settle() {
    for (int round = 0; round < 10'000; ++round) {
      bool moved = bridge->step();
      if (helper.is_connected() && !bridge->link(0).is_connected()) connect();  // it did not answer in time, and was left
      if (helper.is_connected()) {
        const bool said = !bridge->link(0).output().empty();
        const auto answer = helper.answer(bridge->link(0).output());
        moved = moved || said || !answer.empty();
        ASSERT_TRUE(answer.empty() || bridge->receive(0, answer));
      }
      if (!moved) return;
    }
    FAIL() << "it never ends";
  }
  void pass(std::chrono::seconds time) {
    host.clock().advance(time);
    while (*host.engine().sweep() > 0) {
    }
    settle();
  }

  void put(std::string_view table, const char* prefix, Duration lasts = 36h) {
    TableRow row;
    row.prefix = *Prefix::parse(prefix);
    row.expires = lasts == Duration::max() ? Time::max() : host.clock().now() + lasts;
    row.source = "test";
    or_throw(host.tables().put(table, row));
  }
  void erase(std::string_view table, const char* prefix) { or_throw(host.tables().erase(table, *Prefix::parse(prefix), "test")); }
  void list(const std::vector<const char*>& prefixes) { show(kBlack, prefixes); }
  void exempt(const std::vector<const char*>& prefixes) { show(kExempt, prefixes); }
  void show(std::string_view name, const std::vector<const char*>& prefixes) {
    PrefixSetBuilder builder;
    for (const char* prefix : prefixes) builder.add(*Prefix::parse(prefix));
    host.sets().show(name, std::make_shared<const PrefixSet>(builder.build()));
  }
  /// A member of the first row that tells of `table`.
  std::string told(std::string_view table, std::string_view member) {
    for (const Value& row : bridge->rows()) {
      if (row.find("table")->text() != table) continue;
      const Value* value = row.find(member);
      return value == nullptr ? "(none)" : value->is_text() ? value->text() : value->to_json();
    }
    return "(no row)";
  }

  FakeHost host{"pfbridge"};
  FakeHelper helper{{"white", "trapped", "black", "exempt"}};
  FakeTable& white = helper.table(0);
  FakeTable& trapped = helper.table(1);
  FakeTable& black = helper.table(2);
  FakeTable& spared = helper.table(3);  ///< For who is exempt.
  std::unique_ptr<Bridge> bridge;
};

}  // namespace deferd::pfbridge
