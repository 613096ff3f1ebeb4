// Whatever a helper says: deferd either hangs up or goes on, and what it says itself is of the protocol.
#include <string>

#include "pfbridge/link.h"
#include "require.h"

using namespace deferd;
using namespace deferd::pfbridge;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Wanted wanted([](Set, const Prefix&, bool) {});
  wanted.put(Set::white, *Prefix::parse("192.0.2.0/24"), Time(std::chrono::hours(1)));
  Link link(
      {}, wanted, {}, [](const bridge::Passed& passed) { REQUIRE(passed.host.is_host()); },
      [](const std::string&, const SyncStatus&) {});
  SteadyTime now(std::chrono::hours(1));
  link.connected(now);
  bridge::FrameReader said;
  // Each piece begins with its length, so that requests go out in between.
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (!rest.empty()) {
    const auto length = std::min<std::size_t>(rest.size() - 1, static_cast<std::uint8_t>(rest.front()));
    if (!link.receive(rest.substr(1, length), now)) link.lost(now);
    rest.remove_prefix(1 + length);
    if (!link.is_connected()) break;
    for (const auto& table : link.tables()) table->prepared = true;
    now += std::chrono::seconds(1);
    if (!link.step("", now, Time())) break;
    said.add(std::exchange(link.output(), {}));
    while (said.next()) {
    }
    REQUIRE(!said.broken());
  }
  return 0;
}
