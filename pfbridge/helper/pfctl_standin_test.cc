// The pfctl backend against tests/support/pfctl, which answers as pfctl(8) of FreeBSD 13.2 and 15.1 do, and fails as told.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "pfbridge/helper/command.h"
#include "pfbridge/helper/entry_of.h"
#include "pfbridge/helper/pfctl.h"

namespace deferd::bridge {
namespace {

class PfctlStandInTest : public testing::TestWithParam<const char*> {
 protected:
  PfctlStandInTest() {
    ::signal(SIGPIPE, SIG_IGN);
    std::string name = (std::filesystem::temp_directory_path() / "deferd-pfctl.XXXXXX").string();
    folder = ::mkdtemp(name.data());
    ::setenv("PFCTL_STATE", folder.c_str(), 1);
    ::setenv("PFCTL_FLAVOUR", GetParam(), 1);
    std::ofstream(folder / "pf.conf") << "table <white> persist\ntable <idle> persist\n"
                                         "pass in proto tcp from <white> to any port 25\n";
    EXPECT_TRUE(run_command({PFCTL, "-f", (folder / "pf.conf").string()}, {}).ok());
  }
  ~PfctlStandInTest() override { std::filesystem::remove_all(folder); }

  static Pfctl table(const char* name, std::chrono::milliseconds time = std::chrono::seconds(60)) {
    return Pfctl({{PFCTL}, "", name, time});
  }
  void fault(const char* line) const { std::ofstream(folder / "faults") << line << '\n'; }

  static std::vector<Entry> read(Backend& table) {
    std::vector<Entry> found;
    const auto result = table.read(found);
    EXPECT_TRUE(result.ok()) << result.error;
    std::sort(found.begin(), found.end());
    return found;
  }

  std::filesystem::path folder;
};
INSTANTIATE_TEST_SUITE_P(FreeBsd, PfctlStandInTest, testing::Values("13.2", "15.1"),
                         [](const auto& flavour) { return flavour.param == std::string("13.2") ? "Of13" : "Of15"; });

TEST_P(PfctlStandInTest, AddsRemovesAndReads) {
  auto white = table("white");
  const std::vector<Row> rows{{entry("192.0.2.1"), 60}, {entry("198.51.100.0/24"), 0}, {entry("2001:db8::1"), 0}};
  EXPECT_EQ(white.add(rows).error, "");
  EXPECT_EQ(white.add(rows).error, "");
  EXPECT_EQ(read(white), (std::vector{entry("192.0.2.1"), entry("198.51.100.0/24"), entry("2001:db8::1")}));
  EXPECT_EQ(white.remove(std::vector{entry("198.51.100.0/24"), entry("203.0.113.1")}).error, "");
  EXPECT_EQ(read(white), (std::vector{entry("192.0.2.1"), entry("2001:db8::1")}));
}

TEST_P(PfctlStandInTest, NeverCreatesATable) {
  auto misspelt = table("whit");
  EXPECT_EQ(misspelt.add(std::vector<Row>{{entry("192.0.2.1"), 0}}).error,
            "pf has no table <whit>: declare it in pf.conf: table <whit> persist");
  EXPECT_EQ(run_command({PFCTL, "-sT"}, {}).output, "idle\nwhite\n");
  std::vector<Entry> found;
  EXPECT_FALSE(misspelt.read(found).ok());
}

TEST_P(PfctlStandInTest, SeesWhetherARuleUsesTheTable) {
  EXPECT_EQ(table("white").check().error, "");
  EXPECT_EQ(table("idle").check().error, "no rule of pf uses the table <idle>");
}

TEST_P(PfctlStandInTest, ReportsEachWayToFailAndGoesOnAfterwards) {
  auto white = table("white", std::chrono::seconds(20));
  const std::vector<Row> row{{entry("192.0.2.1"), 0}};
  ASSERT_EQ(white.add(row).error, "");
  for (const char* how : {"permission on=add times=1", "no-device on=add times=1", "no-memory on=add times=1",
                          "fail-before on=add times=1", "fail-after on=add times=1", "signal on=add times=1"}) {
    fault(how);
    EXPECT_FALSE(white.add(std::vector<Row>{{entry("192.0.2.2"), 0}}).ok()) << how;
    EXPECT_EQ(white.add(std::vector<Row>{{entry("192.0.2.2"), 0}}).error, "") << how;
    EXPECT_EQ(read(white), (std::vector{entry("192.0.2.1"), entry("192.0.2.2")})) << how;
    ASSERT_EQ(white.remove(std::vector{entry("192.0.2.2")}).error, "");
  }
  fault("half-output on=show times=1");
  std::vector<Entry> found;
  EXPECT_FALSE(white.read(found).ok());
  EXPECT_TRUE(found.empty());
  EXPECT_EQ(read(white), std::vector{entry("192.0.2.1")});
}

TEST_P(PfctlStandInTest, DoesNotWaitForEver) {
  auto white = table("white", std::chrono::seconds(8));
  ASSERT_EQ(white.check().error, "");
  fault("hang on=add times=1");
  EXPECT_NE(white.add(std::vector<Row>{{entry("192.0.2.1"), 0}}).error.find("took longer than 8000 ms"), std::string::npos);
}

TEST_P(PfctlStandInTest, FillsMoreThanOneCallTakes) {
  std::vector<Row> rows;
  for (unsigned i = 0; i < 33'000; ++i)
    rows.push_back({Entry::make(Family::v4, {10, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}, 32), 0});
  auto white = table("white");
  EXPECT_EQ(white.add(rows).error, "");
  EXPECT_EQ(read(white).size(), rows.size());
}

}  // namespace
}  // namespace deferd::bridge
