// Stored keys and values: any bytes are read without harm, and what reads is written back as it was.
#include "require.h"
#include "store/encoding.h"

using namespace deferd::store;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);

  if (const auto key = parse_row_key(bytes)) REQUIRE(row_key(key->table, key->prefix) == bytes);
  if (const auto key = parse_index_key(bytes)) REQUIRE(index_key(key->when, key->what, key->row_key) == bytes);
  if (const auto stored = parse_row({}, bytes)) REQUIRE(print_row(*stored) == bytes);
  if (const auto entry = parse_event(bytes)) REQUIRE(print_event(entry->when, entry->event) == bytes);
  if (const auto records = parse_chunk(bytes)) REQUIRE(print_chunk(*records) == bytes);
  if (const auto number = parse_u64(bytes)) REQUIRE(print_u64(*number) == bytes);
  if (const auto raw = from_hex(bytes)) REQUIRE(to_hex(*raw) == bytes);

  const auto space = space_prefix("greylist");
  if (const auto key = parse_record_key(space, bytes)) {
    std::string again;
    put_record_key(again, space, key->group, key->key);
    REQUIRE(again == bytes);
  }
  record_expires(bytes);
  return 0;
}
