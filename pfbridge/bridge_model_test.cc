// Whatever happens, and whatever goes wrong meanwhile: once helper and store do their work again, the tables hold what they
// shall. And the work is proportional to what has changed.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include "pfbridge/bridge_fixture.h"
#include "pfbridge/helper/command.h"
#include "pfbridge/helper/pfctl.h"
#include "pfbridge/prefixes.h"

namespace deferd::pfbridge {
namespace {

class BridgeModelTest : public BridgeTest, public testing::WithParamInterface<unsigned> {
 protected:
  std::size_t below(std::size_t limit) { return random() % limit; }
  std::string client() {
    if (below(8) == 0) return "2001:db8::" + std::to_string(below(20));
    return "192.0.2." + std::to_string(below(40));
  }
  std::string row() {
    if (below(6) != 0) return client();
    const int length = 28 + static_cast<int>(below(4));
    return Prefix(Address::v4(0xC0000200 + static_cast<unsigned>(below(40))), length).to_string();
  }

  void step() {
    switch (below(20)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        return put(kWhite, row().c_str(), std::chrono::minutes(1 + below(600)));
      case 5:
      case 6:
        return erase(kWhite, row().c_str());
      case 7:
      case 8:
        return put(kTrapped, row().c_str(), std::chrono::minutes(1 + below(100)));
      case 9:
        return erase(kTrapped, row().c_str());
      case 10: {
        std::vector<std::string> entries;
        for (auto n = below(5); n > 0; --n) entries.push_back(row());
        std::vector<const char*> texts;
        for (const auto& entry : entries) texts.push_back(entry.c_str());
        return below(3) == 0 ? exempt(texts) : list(texts);
      }
      case 11:
      case 12:
        host.clock().advance(std::chrono::minutes(below(90)));
        while (*host.engine().sweep() > 0) {
        }
        return;
      case 13:  // the packet filter is tampered with
        for (auto* table : {&white, &trapped, &black, &spared})
          std::erase_if(table->entries, [&](const auto&) { return below(3) == 0; });
        return;
      case 14: {  // by somebody who keeps to himself
        const auto theirs = "198.51.100." + std::to_string(below(5));
        white.put(theirs.c_str());
        foreign.insert(*bridge::Entry::parse(theirs));
        return;
      }
      case 15:
        if (broken) return;        // a lease that could not be noted is not known any more after a restart
        host.clock().advance(2s);  // the bridge asks the store again
        bridge->give_lease(*Address::parse("203.0.113." + std::to_string(below(9))), 10min);
        bridge->step();
        return;
      case 16:
        if (helper.is_connected()) return disconnect();
        return connect();
      case 17:  // answers are lost with the connection
        if (!helper.is_connected()) return;
        bridge->step();
        helper.answer(bridge->link(0).output());
        disconnect();
        return connect();
      case 18:
        if (below(3) != 0) return;
        stop();
        bridge = std::make_unique<Bridge>(settings_of(), host);
        bridge->lend(&host, nullptr);
        return connect();
      case 19:
        broken = below(2) == 0;
        if (broken) return host.break_store({Errc::unavailable, "gone"});
        return host.mend_store();
    }
  }

  void settle_somehow() {
    for (int round = 0; round < 50; ++round) {
      const bool more = bridge->step();
      if (helper.is_connected() && !bridge->link(0).is_connected()) connect();  // it did not answer in time, and was left
      if (helper.is_connected()) {
        const auto answer = helper.answer(bridge->link(0).output());
        ASSERT_TRUE(answer.empty() || bridge->receive(0, answer));
        if (answer.empty() && !more) return;
      } else if (!more) {
        return;
      }
    }
  }

  std::set<std::string> held(const FakeTable& table) const {
    std::set<std::string> all;
    for (const auto& [entry, seconds] : table.entries)
      if (&table != &white || !foreign.contains(entry)) all.insert(entry.to_string());
    return all;
  }
  /// By what the tables and lists hold now, and by no code of the bridge but the arithmetic.
  std::set<std::string> wanted(Set set) {
    Wanted fresh([](Set, const Prefix&, bool) {});
    fresh.show(host.sets().get(kBlack), host.sets().get(kExempt));
    PrefixRows white_rows, trapped_rows;
    for (auto* rows : {&white_rows, &trapped_rows}) {
      const auto page = or_throw(host.tables().scan(rows == &white_rows ? kWhite : kTrapped, {}, 100'000));
      for (const auto& one : page.rows) rows->put(one.prefix, one.expires);
    }
    fresh.replace(white_rows, trapped_rows);
    std::set<std::string> all;
    fresh.each(set, [&](const Prefix& entry) { all.insert(entry.to_string()); });
    return all;
  }

  std::mt19937 random{GetParam()};
  std::set<bridge::Entry> foreign;
  bool broken = false;
};
INSTANTIATE_TEST_SUITE_P(Seeds, BridgeModelTest, testing::Range(0u, 40u));

TEST_P(BridgeModelTest, EndsRightWhateverHappened) {
  start();
  const auto fate = [this] { return below(3) != 0 ? Fate::done : static_cast<Fate>(below(5)); };
  for (auto* table : {&white, &trapped, &black, &spared}) {
    table->fate = fate;
    table->piece = GetParam() % 4;  // or at once
  }
  for (int round = 0; round < 600; ++round) {
    try {
      step();
    } catch (const ErrorException&) {  // the store is broken just now
    }
    if (below(3) == 0) settle_somehow();
    if (HasFatalFailure()) return;
  }
  for (auto* table : {&white, &trapped, &black, &spared}) table->fate = [] { return Fate::done; };
  host.mend_store();
  settle_somehow();
  if (!helper.is_connected()) connect();
  for (int i = 0; i < 4; ++i) pass(61min);  // it may have to look twice
  EXPECT_EQ(held(white), wanted(Set::white));
  EXPECT_EQ(held(trapped), wanted(Set::trapped));
  if (host.sets().get(kBlack)) {
    EXPECT_EQ(held(black), wanted(Set::black));
  }
  if (host.sets().get(kExempt)) {
    EXPECT_EQ(held(spared), wanted(Set::exempt));
  }
  EXPECT_TRUE(bridge->in_step()) << bridge->rows()[0].to_json();
}

TEST_P(BridgeModelTest, SendsNoMoreThanHasChanged) {
  for (unsigned i = 0; i < 2'000; ++i) put(kWhite, Prefix(Address::v4(0x0A000000 + 2 * i)).to_string().c_str());
  start();
  const auto sent = [&] { return white.added + white.removed + trapped.added + trapped.removed; };
  for (int round = 0; round < 50; ++round) {
    const auto before = sent();
    const auto changes = 1 + below(20);
    for (std::size_t i = 0; i < changes; ++i) {
      const auto one = Prefix(Address::v4(0x0A000000 + static_cast<unsigned>(below(4'000)))).to_string();
      const auto table = below(4) == 0 ? kTrapped : kWhite;
      if (below(2) == 0)
        put(table, one.c_str());
      else
        erase(table, one.c_str());
    }
    settle();
    ASSERT_LE(sent() - before, 2 * changes);  // a trapped client is told to two tables
  }
}

/// The same over the stand-in for pfctl(8), whose exit status is wrong now and then.
TEST(BridgeWithPfctl, EndsRightThoughExitCodesAreWrong) {
  ::signal(SIGPIPE, SIG_IGN);
  std::string name = (std::filesystem::temp_directory_path() / "deferd-bridge.XXXXXX").string();
  const std::filesystem::path folder = ::mkdtemp(name.data());
  ::setenv("PFCTL_STATE", folder.c_str(), 1);
  ::setenv("PFCTL_FLAVOUR", "15.1", 1);
  std::ofstream(folder / "pf.conf") << "table <white> persist\npass in proto tcp from <white> to any port 25\n";
  ASSERT_TRUE(bridge::run_command({PFCTL, "-f", (folder / "pf.conf").string()}, {}).ok());

  std::vector<bridge::NamedTable> tables;
  tables.push_back({"white", std::make_unique<bridge::Pfctl>(bridge::PfctlConfig{{PFCTL}, "", "white", 60s})});
  auto& pf = *tables.front().backend;
  bridge::Bypass bypass(nullptr, 60s, {}, [](const std::string&) {});
  bridge::Service service(tables, bypass, {});
  FakeHost host{"pfbridge"};
  Settings settings;
  settings.helpers = {{"/run/helper", {}}};
  Bridge bridge(settings, host);
  bridge.lend(&host, nullptr);
  bridge.connected(0);
  const auto settle = [&] {
    for (bool moved = true; moved;) {
      moved = bridge.step();
      auto said = std::exchange(bridge.link(0).output(), {});
      ASSERT_TRUE(said.empty() || service.take(said, {}));
      const auto answer = std::exchange(service.output(), {});
      ASSERT_TRUE(answer.empty() || bridge.receive(0, answer));
      moved = moved || !said.empty() || !answer.empty();
    }
  };

  std::mt19937 random{3};
  constexpr const char* kFaults[] = {"fail-before on=add times=1",  "fail-after on=add times=1", "fail-after on=delete times=1",
                                     "lie on=delete times=1",       "lie on=add times=1",        "signal on=delete times=1",
                                     "half-output on=show times=1", "random-status rate=0.5"};
  for (int round = 0; round < 12; ++round) {
    std::ofstream(folder / "faults") << kFaults[random() % std::size(kFaults)] << '\n';
    for (int i = 0; i < 5; ++i) {
      TableRow row;
      row.prefix = Prefix(Address::v4(0xC0000200 + static_cast<unsigned>(random() % 16)));
      row.expires = host.clock().now() + 36h;
      if (random() % 2 == 0)
        or_throw(host.tables().put(kWhite, row));
      else
        or_throw(host.tables().erase(kWhite, row.prefix, "test"));
    }
    settle();
    host.clock().advance(2s);
  }
  std::filesystem::remove(folder / "faults");
  for (int i = 0; i < 3; ++i) {
    host.clock().advance(61min);
    settle();
  }
  std::vector<bridge::Entry> found;
  EXPECT_TRUE(pf.read(found).ok());
  std::set<Prefix> held, rows;
  for (const auto& entry : found) held.insert(prefix_of(entry));
  for (const auto& row : or_throw(host.tables().scan(kWhite, {}, 1000)).rows) rows.insert(row.prefix);
  EXPECT_EQ(held, rows);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace deferd::pfbridge
