// Whatever is captured: what is taken for a connection is one to the SMTP port, of two hosts, and needs every byte up to its TCP
// header.
#include <vector>

#include "pfbridge/helper/packet.h"
#include "require.h"

using namespace deferd::bridge;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const auto read : {&read_pflog, &read_nflog}) {
    const auto found = read(Bytes(data, size), 25);
    if (!found) continue;
    REQUIRE(found->target_port == 25 && found->source.is_host() && found->target.is_host());
    REQUIRE(size >= 40 && found->interface.size() <= 16);
    REQUIRE(Entry::parse(found->peer().to_string()) == found->peer());
    REQUIRE(!read(Bytes(data, 39), 25));
  }
  return 0;
}
