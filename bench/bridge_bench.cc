// How long the bridge takes to fill a packet filter's table, to change one entry of it, and to compare it when the helper comes
// anew.
//
//   bridge_bench ROWS HELPER WORDS...     the helper's words but --stdio, such as: --table white=nft:inet/deferd/white4
//
// Everything is real but the store, which is in memory: the plugin's thread, the protocol, the helper. tests/proof/bridge runs it
// for nftables and for the stand-in for pfctl.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include "deferd/testing/fake_host.h"
#include "pfbridge/runner.h"

namespace {

using namespace deferd;
using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

double since(Steady::time_point start) { return std::chrono::duration<double>(Steady::now() - start).count(); }

long resident_kib() {
  std::ifstream status("/proc/self/statm");
  long pages = 0, resident = 0;
  status >> pages >> resident;
  return resident * ::sysconf(_SC_PAGESIZE) / 1024;
}

void put(FakeHost& host, std::uint32_t address) {
  TableRow row;
  row.prefix = Prefix(Address::v4(address));
  row.expires = host.clock().now() + std::chrono::hours(36);
  or_throw(host.tables().put(kWhite, row));
}

/// Until the table holds so many and nothing is left to do. The host's clock goes as the machine's.
void wait_for(FakeHost& host, pfbridge::Runner& runner, std::int64_t count) {
  auto last = Steady::now();
  for (;;) {
    for (const Value& row : runner.rows()) {
      if (const Value* error = row.find("error");
          error != nullptr && !error->text().empty() && row.find("state")->text() == "failing") {
        std::fprintf(stderr, "bridge_bench: %s\n", error->text().c_str());
        std::exit(1);
      }
      const Value* present = row.find("present");
      if (present != nullptr && present->integer() == count && row.find("state")->text() == "in step") return;
    }
    std::this_thread::sleep_for(1ms);
    const auto gone = std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - last);
    host.clock().advance(gone);
    last += gone;
  }
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) {
    std::fprintf(stderr, "usage: bridge_bench ROWS HELPER WORDS...\n");
    return 64;
  }
  const auto rows = static_cast<std::uint32_t>(std::strtoul(words[1], nullptr, 10));
  pfbridge::Settings settings;
  settings.helpers = {{"", {words + 2, words + count}}};
  settings.helpers.front().words.push_back("--stdio");

  FakeHost host("pfbridge");
  const long before = resident_kib();
  for (std::uint32_t i = 0; i < rows; ++i) put(host, 0x0A000000 + 2 * i);
  const long with_rows = resident_kib();

  auto start = Steady::now();
  auto runner = pfbridge::Runner::of(settings, host);
  runner->lend(host, nullptr);
  wait_for(host, *runner, rows);
  std::printf("%u rows filled in %.2f s\n", rows, since(start));
  std::printf("memory: %ld KiB for the rows in the store, %ld KiB more for the bridge\n", with_rows - before,
              resident_kib() - with_rows);

  double worst = 0, sum = 0;
  constexpr int kChanges = 10;
  for (std::uint32_t i = 0; i < kChanges; ++i) {
    start = Steady::now();
    put(host, 0x0A000001 + 2 * i);
    wait_for(host, *runner, rows + i + 1);
    worst = std::max(worst, since(start));
    sum += since(start);
  }
  std::printf("one change: %.3f s on average, %.3f s at worst\n", sum / kChanges, worst);

  start = Steady::now();
  runner->read_back();
  std::this_thread::sleep_for(300ms);  // it begins within 200 ms
  wait_for(host, *runner, rows + kChanges);
  std::printf("read back and compared in %.2f s\n", since(start));
}
