#include "ops/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <stdexcept>
#include <thread>
#include <vector>

namespace deferd {
namespace {

using ::testing::HasSubstr;

constexpr double kBounds[] = {0.001, 0.01, 0.1};

TEST(Metrics, ShowsFamiliesOnceWithHelpAndType) {
  Metrics metrics;
  metrics.counter("deferd_verdicts_total", {{"action", "pass"}}, "Verdicts.").add(3);
  metrics.counter("deferd_verdicts_total", {{"action", "defer"}}, "Verdicts.").add();
  metrics.gauge("deferd_sessions", {}, "Open sessions.").set(-2);
  EXPECT_EQ(metrics.text(),
            "# HELP deferd_sessions Open sessions.\n"
            "# TYPE deferd_sessions gauge\n"
            "deferd_sessions -2\n"
            "# HELP deferd_verdicts_total Verdicts.\n"
            "# TYPE deferd_verdicts_total counter\n"
            "deferd_verdicts_total{action=\"defer\"} 1\n"
            "deferd_verdicts_total{action=\"pass\"} 3\n");
}

TEST(Metrics, CountsAHistogramByItsBounds) {
  Metrics metrics;
  auto& histogram = metrics.histogram("deferd_hook_seconds", {{"plugin", "greylist"}}, kBounds, "Time in hooks.");
  for (const double value : {0.0005, 0.001, 0.05, 7.0}) histogram.observe(value);
  histogram.observe(std::nan(""));
  const auto text = metrics.text();
  EXPECT_THAT(text, HasSubstr("deferd_hook_seconds_count{plugin=\"greylist\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("deferd_hook_seconds_sum{plugin=\"greylist\"} 7.0515"));
  EXPECT_THAT(text, HasSubstr("deferd_hook_seconds_bucket{plugin=\"greylist\",le=\"0.001\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("deferd_hook_seconds_bucket{plugin=\"greylist\",le=\"0.01\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("deferd_hook_seconds_bucket{plugin=\"greylist\",le=\"0.1\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("deferd_hook_seconds_bucket{plugin=\"greylist\",le=\"+Inf\"} 4\n"));
}

TEST(Metrics, GivesTheSameHandleForTheSameNameAndLabels) {
  Metrics metrics;
  const Label one[] = {{"plugin", "a"}, {"stage", "rcpt"}};
  const Label other_order[] = {{"stage", "rcpt"}, {"plugin", "a"}};
  auto& counter = metrics.counter("deferd_x_total", one, "X.");
  EXPECT_EQ(&counter, &metrics.counter("deferd_x_total", other_order, "other words"));
  EXPECT_NE(&counter, &metrics.counter("deferd_x_total", {{"plugin", "b"}, {"stage", "rcpt"}}, "X."));
}

TEST(Metrics, SumsACounterOverItsLabels) {
  Metrics metrics;
  metrics.counter("deferd_x_total", {{"plugin", "a"}}, "X.").add(2);
  metrics.counter("deferd_x_total", {{"plugin", "b"}}, "X.").add(40);
  EXPECT_EQ(metrics.value("deferd_x_total"), 42u);
  EXPECT_EQ(metrics.value("deferd_y_total"), 0u);
}

TEST(Metrics, EscapesLabelValuesAndHelp) {
  Metrics metrics;
  metrics.counter("deferd_x_total", {{"plugin", "a\"b\\c\nd"}}, "Two\nlines \\ one.");
  const auto text = metrics.text();
  EXPECT_THAT(text, HasSubstr(R"(deferd_x_total{plugin="a\"b\\c\nd"} 0)"));
  EXPECT_THAT(text, HasSubstr("# HELP deferd_x_total Two\\nlines \\\\ one.\n"));
}

TEST(Metrics, RefusesWhatPrometheusWould) {
  Metrics metrics;
  for (const char* name : {"", "9x", "a b", "a-b", "a\n", "\xc3\xbc"})
    EXPECT_THROW(metrics.counter(name, {}, ""), std::invalid_argument) << name;
  for (const char* label : {"", "9x", "a:b", "__x", "le"})
    EXPECT_THROW(metrics.counter("deferd_x_total", {{label, "v"}}, ""), std::invalid_argument) << label;
  EXPECT_THROW(metrics.counter("deferd_x_total", {{"a", "1"}, {"a", "2"}}, ""), std::invalid_argument);
  const double falling[] = {2, 1};
  EXPECT_THROW(metrics.histogram("deferd_x_seconds", {}, falling, ""), std::invalid_argument);
  EXPECT_EQ(metrics.text(), "");
}

TEST(Metrics, RefusesANameThatIsTakenOtherwise) {
  Metrics metrics;
  metrics.counter("deferd_x_total", {{"plugin", "a"}}, "");
  EXPECT_THROW(metrics.gauge("deferd_x_total", {{"plugin", "a"}}, ""), std::invalid_argument);
  EXPECT_THROW(metrics.counter("deferd_x_total", {}, ""), std::invalid_argument);
  EXPECT_THROW(metrics.counter("deferd_x_total", {{"stage", "a"}}, ""), std::invalid_argument);
  metrics.histogram("deferd_x_seconds", {}, kBounds, "");
  const double others[] = {1};
  EXPECT_THROW(metrics.histogram("deferd_x_seconds", {}, others, ""), std::invalid_argument);
}

TEST(Metrics, SumsExactlyOverManyThreadsWhileItIsScraped) {
  Metrics metrics;
  auto& counter = metrics.counter("deferd_x_total", {}, "");
  auto& histogram = metrics.histogram("deferd_x_seconds", {}, kBounds, "");
  constexpr std::uint64_t threads = 16, each = 20000;
  std::atomic<bool> done = false;
  std::jthread scraper([&] {
    std::uint64_t before = 0;
    while (!done) {
      const auto now = metrics.value("deferd_x_total");
      EXPECT_GE(now, before);
      before = now;
      metrics.text();
    }
  });
  {
    std::vector<std::jthread> adders;
    for (std::uint64_t t = 0; t < threads; ++t)
      adders.emplace_back([&] {
        for (std::uint64_t i = 0; i < each; ++i) {
          counter.add();
          histogram.observe(0.5);
        }
      });
  }
  done = true;
  scraper.join();
  EXPECT_EQ(metrics.value("deferd_x_total"), threads * each);
  EXPECT_THAT(metrics.text(), HasSubstr("deferd_x_seconds_count 320000\n"));
  EXPECT_THAT(metrics.text(), HasSubstr("deferd_x_seconds_sum 160000\n"));
}

TEST(Metrics, KeepsTheCountsOfThreadsThatEnded) {
  Metrics metrics;
  auto& counter = metrics.counter("deferd_x_total", {}, "");
  for (int i = 0; i < 500; ++i) std::jthread([&] { counter.add(2); }).join();
  EXPECT_EQ(metrics.value("deferd_x_total"), 1000u);
}

TEST(Metrics, TakesMetricsMadeWhileOthersCount) {
  Metrics metrics;
  auto& first = metrics.counter("deferd_x_total", {{"n", "first"}}, "");
  std::jthread adder([&] {
    for (int i = 0; i < 50000; ++i) first.add();
  });
  for (int i = 0; i < 600; ++i) metrics.counter("deferd_x_total", {{"n", std::to_string(i)}}, "").add();
  adder.join();
  EXPECT_EQ(metrics.value("deferd_x_total"), 50600u);
}

/// Counts when its thread has already given its cells back.
struct LateCounter {
  Counter* counter = nullptr;
  ~LateCounter() {
    if (counter != nullptr) counter->add();
  }
};
thread_local LateCounter late;

TEST(Metrics, CountsWhileAThreadEnds) {
  Metrics metrics;
  auto& counter = metrics.counter("deferd_x_total", {}, "");
  std::jthread([&] {
    late.counter = &counter;
    counter.add();
  }).join();
  EXPECT_EQ(metrics.value("deferd_x_total"), 2u);
}

TEST(Metrics, OfOneRegistryAreNotThoseOfAnother) {
  for (int i = 0; i < 3; ++i) {
    Metrics one, two;
    one.counter("deferd_x_total", {}, "").add(1);
    two.counter("deferd_x_total", {}, "").add(10);
    EXPECT_EQ(one.value("deferd_x_total"), 1u);
    EXPECT_EQ(two.value("deferd_x_total"), 10u);
  }
}

}  // namespace
}  // namespace deferd
