#include "host/housekeeping.h"

#include "host/host_fixture.h"

namespace deferd {
namespace {

using namespace std::chrono_literals;

class HousekeepingTest : public HostTest {
 protected:
  void put(const std::string& prefix, std::chrono::seconds for_long) {
    TableRow row;
    row.prefix = or_throw(Prefix::parse(prefix));
    row.added = clock_.now();
    row.expires = clock_.now() + for_long;
    or_throw(engine_->tables().put(kWhite, row));
  }
  Housekeeping housekeeping_{parts_, pipeline_};
};

TEST_F(HousekeepingTest, PluginsAreToldOfTableChangesAndExpiry) {
  std::vector<std::pair<std::string, TableCause>> told;
  Script script;
  script.table = [&](Context&, const TableEvent& event) { told.emplace_back(event.prefix.to_string(), event.cause); };
  use({{"bridge", script}});
  housekeeping_.step();
  put("192.0.2.7", 1h);
  housekeeping_.step();
  clock_.advance(2h);
  housekeeping_.step();
  housekeeping_.step();
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0], std::make_pair(std::string("192.0.2.7"), TableCause::add));
  EXPECT_EQ(told[1], std::make_pair(std::string("192.0.2.7"), TableCause::expire));
}

TEST_F(HousekeepingTest, TicksComeOnceAMinute) {
  int ticks = 0;
  Script script;
  script.tick = [&](Context&) { ++ticks; };
  use({{"one", script}});
  housekeeping_.step();
  EXPECT_EQ(ticks, 0);
  clock_.advance(60s);
  housekeeping_.step();
  housekeeping_.step();
  EXPECT_EQ(ticks, 1);
}

}  // namespace
}  // namespace deferd
