// Kept decisions: any bytes are read without harm, and what reads is written back as it was.
#include "host/decision_record.h"
#include "require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto past = deferd::unpack_decision(bytes)) REQUIRE(deferd::pack_decision(past->decision, past->session) == bytes);
  return 0;
}
