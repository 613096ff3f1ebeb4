// Whatever comes from the other side: frames that were read are written again byte for byte, what broke stays broken, and it does
// not matter in which pieces the bytes came.
#include <string>

#include "pfbridge/helper/wire.h"
#include "require.h"

using namespace deferd::bridge;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  FrameReader whole;
  whole.add(bytes);
  std::string again;
  while (const auto frame = whole.next()) write_frame(again, frame->id, frame->message);
  // A flag that is any number but 0 is written as 1, so only the length must be the same.
  REQUIRE(again.size() <= size);

  FrameReader pieces;
  std::string by_pieces;
  for (const char byte : bytes) {
    pieces.add({&byte, 1});
    while (const auto frame = pieces.next()) write_frame(by_pieces, frame->id, frame->message);
  }
  REQUIRE(by_pieces == again && pieces.broken() == whole.broken());
  return 0;
}
