// Of any bytes at most one beginning is a PROXY header; what is refused stays refused, whatever follows; what was read is read
// again when we make a header of it.
#include <string>

#include "require.h"
#include "smtp/proxy_header.h"

using namespace deferd;
using namespace deferd::smtp;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto result = parse_proxy_header(bytes);
  if (!result) {
    REQUIRE(!parse_proxy_header(std::string(bytes) + "\r\n"));
    return 0;
  }
  if (!*result) {
    REQUIRE(size < kLongestProxyHeader);
    return 0;
  }

  const ProxyHeader& header = **result;
  REQUIRE(header.size <= size && header.size <= kLongestProxyHeader);
  for (std::size_t i = 0; i < header.size; ++i) {
    const auto beginning = parse_proxy_header(bytes.substr(0, i));
    REQUIRE(beginning && !*beginning);
  }
  if (header.local) {
    REQUIRE(header.client == Address() && header.local_address == Address() && header.client_port == 0 && header.local_port == 0);
    return 0;
  }

  const std::string made = make_proxy_header_v2(header.client, header.client_port, header.local_address, header.local_port);
  const auto again = parse_proxy_header(made);
  REQUIRE(again && *again && (*again)->size == made.size() && !(*again)->local);
  REQUIRE((*again)->client == header.client && (*again)->client_port == header.client_port);
  REQUIRE((*again)->local_address == header.local_address && (*again)->local_port == header.local_port);
  return 0;
}
