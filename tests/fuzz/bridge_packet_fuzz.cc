// Whatever is captured: what is taken for a connection is one to the SMTP port, of two hosts, and needs every byte up to its TCP
// header.
#include <optional>

#include "pfbridge/helper/packet.h"
#include "require.h"

using namespace deferd::bridge;

namespace {

using Reader = std::optional<Connection> (*)(Bytes);

const Reader kReaders[] = {[](Bytes record) { return read_pflog(record); }, [](Bytes record) { return read_nflog(record); },
                           [](Bytes record) { return read_nflog(record, Direction::in); },
                           [](Bytes record) { return read_nflog(record, Direction::out); }};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const Reader read : kReaders) {
    const auto found = read(Bytes(data, size));
    if (!found) continue;
    REQUIRE(found->target_port == 25 && found->source.is_host() && found->target.is_host());
    REQUIRE(size >= 40 && found->interface.size() <= 16);
    REQUIRE(Entry::parse(found->peer().to_string()) == found->peer());
    REQUIRE(!read(Bytes(data, 39)));
  }
  return 0;
}
