#include "pfbridge/helper/service.h"

#include <gtest/gtest.h>

#include <set>

#include "pfbridge/helper/entry_of.h"

namespace deferd::bridge {
namespace {

using namespace std::chrono_literals;

class MemoryTable : public Backend {
 public:
  Result add(std::span<const Row> rows) override {
    if (!failure.empty()) return Result::failed(failure);
    std::uint32_t fresh = 0;
    for (const Row& row : rows) fresh += entries.insert(row.entry).second;
    return {{}, fresh};
  }
  Result remove(std::span<const Entry> gone) override {
    if (!failure.empty()) return Result::failed(failure);
    std::uint32_t count = 0;
    for (const Entry& one : gone) count += static_cast<std::uint32_t>(entries.erase(one));
    return {{}, count};
  }
  Result read(std::vector<Entry>& found) override {
    found.assign(entries.begin(), entries.end());
    return {{}, static_cast<std::uint32_t>(found.size())};
  }
  Result check() override { return {failure, 0}; }
  std::unique_ptr<Reading> begin_reading() override {
    return pieces.empty() ? nullptr : std::make_unique<Pieces>(std::move(pieces));
  }

  std::set<Entry> entries;
  std::string failure;
  std::vector<std::vector<Entry>> pieces;  // none: it is read at once

 private:
  struct Pieces : Reading {
    explicit Pieces(std::vector<std::vector<Entry>> all) : left(std::move(all)) {}
    Result next(std::vector<Entry>& found, bool& more) override {
      found = left.front();
      left.erase(left.begin());
      more = !left.empty();
      return found.empty() ? Result::failed("the set is gone") : Result{};
    }
    std::vector<std::vector<Entry>> left;
  };
};

class ServiceTest : public testing::Test {
 protected:
  ServiceTest() {
    for (const char* name : {"white", "trapped"}) {
      auto table = std::make_unique<MemoryTable>();
      memory.push_back(table.get());
      tables.push_back({name, std::move(table)});
    }
    service.emplace(tables, bypass, [](const Endpoint& client, const Endpoint&) -> std::optional<Endpoint> {
      if (client.port == 40000) return Endpoint{entry("203.0.113.25"), 25};
      return std::nullopt;
    });
    greeting = answers();
  }

  bool say(const Message& message, std::uint32_t id = 7) {
    std::string bytes;
    write_frame(bytes, id, message);
    return service->take(bytes, now);
  }
  std::vector<Frame> answers() {
    FrameReader reader;
    reader.add(service->output());
    service->output().clear();
    std::vector<Frame> all;
    while (auto frame = reader.next()) all.push_back(*frame);
    EXPECT_FALSE(reader.broken());
    return all;
  }
  Done done() {
    const auto all = answers();
    return all.size() == 1 && std::holds_alternative<Done>(all[0].message) ? std::get<Done>(all[0].message)
                                                                           : Done{"no such answer", 0};
  }

  Time now{1h};
  std::vector<NamedTable> tables;
  std::vector<MemoryTable*> memory;
  MemoryTable everybody;
  std::vector<std::string> log;
  Bypass bypass{&everybody, 60s, now, [this](const std::string& line) { log.push_back(line); }};
  std::optional<Service> service;
  std::vector<Frame> greeting;
};

TEST_F(ServiceTest, NamesItsTablesFirst) {
  ASSERT_EQ(greeting.size(), 1u);
  EXPECT_EQ(greeting[0].message, Message(Hello{1, {"white", "trapped"}}));
}

TEST_F(ServiceTest, ChangesAndReadsTables) {
  ASSERT_TRUE(say(Hello{}));
  ASSERT_TRUE(say(Add{1, {{entry("192.0.2.1"), 60}, {entry("2001:db8::1"), 0}}}));
  EXPECT_EQ(done(), (Done{"", 2}));
  EXPECT_TRUE(memory[0]->entries.empty());
  ASSERT_TRUE(say(Remove{1, {entry("192.0.2.1"), entry("192.0.2.2")}}));
  EXPECT_EQ(done(), (Done{"", 1}));
  ASSERT_TRUE(say(Read{1}, 9));
  const auto all = answers();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].message, Message(Entries{{entry("2001:db8::1")}}));
  EXPECT_EQ(all[1].message, Message(Done{"", 1}));
  EXPECT_EQ(all[1].id, 9u);
}

TEST_F(ServiceTest, ChangesATableWhileItIsRead) {
  memory[0]->pieces = {{entry("192.0.2.1"), entry("192.0.2.2")}, {entry("192.0.2.3")}};
  ASSERT_TRUE(say(Hello{}));
  ASSERT_TRUE(say(Read{0}, 8));
  EXPECT_TRUE(service->is_reading());
  service->work();
  ASSERT_TRUE(say(Add{0, {{entry("192.0.2.9"), 0}}}, 9));
  EXPECT_TRUE(memory[0]->entries.contains(entry("192.0.2.9")));
  service->work();
  EXPECT_FALSE(service->is_reading());
  service->work();
  const auto all = answers();
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].message, Message(Entries{{entry("192.0.2.1"), entry("192.0.2.2")}}));
  EXPECT_EQ(all[1].id, 9u);
  EXPECT_EQ(all[1].message, Message(Done{"", 1}));
  EXPECT_EQ(all[2].message, Message(Entries{{entry("192.0.2.3")}}));
  EXPECT_EQ(all[3].id, 8u);
  EXPECT_EQ(all[3].message, Message(Done{"", 3}));
}

TEST_F(ServiceTest, TellsOfAReadingThatFailsInTheMiddle) {
  memory[0]->pieces = {{entry("192.0.2.1")}, {}, {entry("192.0.2.3")}};
  ASSERT_TRUE(say(Hello{}));
  ASSERT_TRUE(say(Read{0}, 8));
  while (service->is_reading()) service->work();
  const auto all = answers();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(std::get<Done>(all[1].message).error, "the set is gone");
}

TEST_F(ServiceTest, ReadsALargeTableInSeveralFrames) {
  for (unsigned i = 0; i < 25'000; ++i)
    memory[0]->entries.insert(
        Entry::make(Family::v4, {10, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}, 32));
  ASSERT_TRUE(say(Hello{}));
  ASSERT_TRUE(say(Read{0}));
  std::size_t entries = 0;
  for (const auto& frame : answers())
    if (const auto* some = std::get_if<Entries>(&frame.message)) entries += some->entries.size();
  EXPECT_EQ(entries, 25'000u);
}

TEST_F(ServiceTest, TellsWhatFailed) {
  ASSERT_TRUE(say(Hello{}));
  memory[0]->failure = "pf's tables are full";
  ASSERT_TRUE(say(Add{0, {{entry("192.0.2.1"), 0}}}));
  EXPECT_EQ(done().error, "pf's tables are full");
  ASSERT_TRUE(say(Read{0}));
  EXPECT_EQ(done().error, "pf's tables are full");
  ASSERT_TRUE(say(Add{2, {}}));
  EXPECT_EQ(done().error, "the helper has no table of this number");
  ASSERT_TRUE(say(Read{200}));
  EXPECT_EQ(done().error, "the helper has no table of this number");
}

TEST_F(ServiceTest, AnswersWheretoBeforeAllElse) {
  ASSERT_TRUE(say(Hello{}));
  std::string bytes;
  write_frame(bytes, 1, Add{0, {{entry("192.0.2.1"), 0}}});
  write_frame(bytes, 2, Whereto{{entry("192.0.2.7"), 40000}, {entry("127.0.0.1"), 8025}});
  write_frame(bytes, 3, Whereto{{entry("192.0.2.7"), 1}, {entry("127.0.0.1"), 8025}});
  ASSERT_TRUE(service->take(bytes, now));
  const auto all = answers();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].message, Message(Destination{Endpoint{entry("203.0.113.25"), 25}}));
  EXPECT_EQ(all[1].message, Message(Destination{}));
  EXPECT_EQ(all[2].id, 1u);
}

TEST_F(ServiceTest, EndsWithWhoBreaksTheProtocol) {
  EXPECT_FALSE(say(Read{0}));  // no greeting
  service.emplace(tables, bypass, nullptr);
  EXPECT_FALSE(say(Hello{2, {}}));
  service.emplace(tables, bypass, nullptr);
  EXPECT_TRUE(say(Hello{}));
  EXPECT_FALSE(say(Hello{}));
  service.emplace(tables, bypass, nullptr);
  EXPECT_TRUE(say(Hello{}));
  EXPECT_FALSE(say(Done{}));  // that is for the helper to say
  service.emplace(tables, bypass, nullptr);
  EXPECT_FALSE(service->take("GET / HTTP/1.1\r\n\r\n", now));
}

TEST_F(ServiceTest, LetsEverybodyPassWhenDeferdIsSilentAndStopsWhenItIsBack) {
  ASSERT_TRUE(say(Hello{}));
  ASSERT_TRUE(say(Alive{}));
  now += 59s;
  bypass.tick(now);
  EXPECT_TRUE(everybody.entries.empty());
  now += 1s;
  bypass.tick(now);
  EXPECT_TRUE(bypass.open());
  EXPECT_EQ(everybody.entries.size(), 4u);  // both halves of both families
  ASSERT_TRUE(say(Alive{}));
  EXPECT_FALSE(bypass.open());
  EXPECT_TRUE(everybody.entries.empty());
  EXPECT_EQ(log, (std::vector<std::string>{"deferd gives no sign of life: everybody passes",
                                           "deferd is alive: strangers go to it again"}));
}

TEST_F(ServiceTest, LetsEverybodyPassIfDeferdNeverComes) {
  now += 60s;
  bypass.tick(now);
  EXPECT_TRUE(bypass.open());
}

TEST_F(ServiceTest, WithdrawsWhatAFormerHelperOpened) {
  for (const char* half : {"0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"}) everybody.entries.insert(entry(half));
  now += 5s;
  bypass.tick(now);
  EXPECT_EQ(everybody.entries.size(), 4u);  // not yet known whether deferd lives
  ASSERT_TRUE(say(Hello{}));
  ASSERT_TRUE(say(Alive{}));
  EXPECT_TRUE(everybody.entries.empty());
}

TEST_F(ServiceTest, WithdrawsWhatAFormerHelperOpensLate) {
  ASSERT_TRUE(say(Hello{}));
  ASSERT_TRUE(say(Alive{}));
  // One that was reached by ssh, and whose way to deferd broke a minute ago.
  for (const char* half : {"0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"}) everybody.entries.insert(entry(half));
  for (int i = 0; i < 6; ++i) {
    now += 10s;
    ASSERT_TRUE(say(Alive{}));
  }
  EXPECT_TRUE(everybody.entries.empty());
  EXPECT_TRUE(log.empty());
}

TEST_F(ServiceTest, WithdrawsWithinSecondsWhatAFormerHelperOpensAfterItsPatience) {
  ASSERT_TRUE(say(Hello{}));
  for (int i = 0; i <= 6; ++i) {  // the former one heard deferd last when this one began
    ASSERT_TRUE(say(Alive{}));
    now += 10s;
  }
  for (const char* half : {"0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"}) everybody.entries.insert(entry(half));
  now += 2s;
  bypass.tick(now);
  EXPECT_TRUE(everybody.entries.empty());
}

TEST_F(ServiceTest, LetsEverybodyPassWhenTheHelperLeaves) {
  ASSERT_TRUE(say(Hello{}));
  ASSERT_TRUE(say(Alive{}));
  EXPECT_TRUE(bypass.leave());
  EXPECT_EQ(everybody.entries.size(), 4u);
  EXPECT_EQ(log, std::vector<std::string>{"everybody passes until a helper sees that deferd is alive"});
}

TEST_F(ServiceTest, HasNothingMoreToDoWithoutDeferdOnceEverybodyPasses) {
  EXPECT_FALSE(bypass.is_settled(now));
  now += 60s;
  bypass.tick(now);
  EXPECT_TRUE(bypass.is_settled(now));
  EXPECT_TRUE(Bypass(nullptr, 60s, now, nullptr).is_settled(now)) << "there is no switch";
}

TEST_F(ServiceTest, TriesForAMinuteToLetEverybodyPassWithoutDeferd) {
  ASSERT_TRUE(say(Hello{}));
  now += 30s;
  ASSERT_TRUE(say(Alive{}));
  everybody.failure = "no such table";
  now += 119s;
  bypass.tick(now);
  EXPECT_FALSE(bypass.is_settled(now));
  now += 1s;
  bypass.tick(now);
  EXPECT_TRUE(bypass.is_settled(now));
  EXPECT_FALSE(bypass.leave());
  everybody.failure.clear();
  EXPECT_TRUE(bypass.leave());
  EXPECT_EQ(everybody.entries.size(), 4u);
}

TEST_F(ServiceTest, OpensAgainWhenTheTableWasEmptied) {
  now += 60s;
  bypass.tick(now);
  everybody.entries.clear();  // the rules were loaded anew
  now += 60s;
  bypass.tick(now);
  EXPECT_EQ(everybody.entries.size(), 4u);
}

TEST_F(ServiceTest, TriesAgainToOpenAndSaysOnceWhyItCannot) {
  everybody.failure = "no such table";
  for (int i = 0; i < 3; ++i) {
    now += 60s;
    bypass.tick(now);
  }
  EXPECT_FALSE(bypass.open());
  EXPECT_EQ(log, std::vector<std::string>{"the bypass table cannot be filled: no such table"});
  everybody.failure.clear();
  bypass.tick(now);
  EXPECT_TRUE(bypass.open());
}

}  // namespace
}  // namespace deferd::bridge
