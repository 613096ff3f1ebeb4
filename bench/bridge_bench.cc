// How long the bridge takes to fill a packet filter's table, to change one entry of it, also while the table is read back, and to
// compare it.
//
//   bridge_bench ROWS MOST HELPER WORDS...     the helper's words but --stdio, such as: --table white=nft:inet/deferd/white4
//
// It fails if a change took MOST seconds or longer; 0: it may take as long as it likes.
// Everything is real but the store, which is in memory: the plugin's thread, the protocol, the helper. tests/proof/bridge runs it
// for nftables and for the stand-in for pfctl.
#include <unistd.h>

#include <algorithm>
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

/// Until the table holds so many and nothing is left to be sent; `all`: nor to be read. The host's clock goes as the machine's.
void wait_for(FakeHost& host, pfbridge::Runner& runner, std::int64_t count, bool all = true) {
  auto last = Steady::now();
  for (;;) {
    for (const Value& row : runner.rows()) {
      if (const Value* error = row.find("error");
          error != nullptr && !error->text().empty() && row.find("state")->text() == "failing") {
        std::fprintf(stderr, "bridge_bench: %s\n", error->text().c_str());
        std::exit(1);
      }
      const Value* present = row.find("present");
      const bool is_sent = present != nullptr && present->integer() == count && row.find("pending")->integer() == 0;
      if (is_sent && (!all || row.find("state")->text() == "in step")) return;
    }
    std::this_thread::sleep_for(1ms);
    const auto gone = std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - last);
    host.clock().advance(gone);
    last += gone;
  }
}

/// Until the table is being read, or has been already, if it is small.
void wait_for_reading(pfbridge::Runner& runner) {
  for (int i = 0; i < 500 && runner.rows().front().find("state")->text() != "busy"; ++i) std::this_thread::sleep_for(1ms);
}

class Changes {
 public:
  /// Makes a change by `make`, and waits by `wait` until it is done.
  template <class Make, class Wait>
  void time(Make make, Wait wait) {
    const auto start = Steady::now();
    make();
    wait();
    const double seconds = since(start);
    worst_ = std::max(worst_, seconds);
    sum_ += seconds;
    ++count_;
  }
  double worst() const { return worst_; }
  void print(const char* what) const { std::printf("%s: %.3f s on average, %.3f s at worst\n", what, sum_ / count_, worst_); }

 private:
  double worst_ = 0, sum_ = 0;
  int count_ = 0;
};

}  // namespace

int main(int count, char** words) {
  if (count < 4) {
    std::fprintf(stderr, "usage: bridge_bench ROWS MOST HELPER WORDS...\n");
    return 64;
  }
  const auto rows = static_cast<std::uint32_t>(std::strtoul(words[1], nullptr, 10));
  const double most = std::strtod(words[2], nullptr);
  pfbridge::Settings settings;
  settings.helpers = {{"", {words + 3, words + count}}};
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

  constexpr std::uint32_t kChanges = 10;
  std::uint32_t changed = 0;
  const auto change = [&] { put(host, 0x0A000001 + 2 * changed++); };
  const auto done = [&] { wait_for(host, *runner, rows + changed); };
  Changes alone, meanwhile;
  while (changed < kChanges) alone.time(change, done);
  alone.print("one change");

  start = Steady::now();
  runner->read_back();
  wait_for_reading(*runner);
  done();
  std::printf("read back and compared in %.2f s\n", since(start));

  while (changed < 2 * kChanges) {
    runner->read_back();
    wait_for_reading(*runner);
    meanwhile.time(change, [&] { wait_for(host, *runner, rows + changed, false); });
    done();
  }
  meanwhile.print("one change while it is read back");
  if (most > 0 && std::max(alone.worst(), meanwhile.worst()) >= most) {
    std::fprintf(stderr, "bridge_bench: a change may take %.1f s at most\n", most);
    return 1;
  }
}
