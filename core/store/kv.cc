#include "store/kv.h"

namespace deferd::store {

std::vector<Write> Batch::writes() const {
  std::vector<Write> writes;
  writes.reserve(owned_.size());
  for (const auto& owned : owned_) {
    Write write{owned.family, owned.key, std::nullopt};
    if (owned.value) write.value = *owned.value;
    writes.push_back(write);
  }
  return writes;
}

Result<std::optional<std::string>> get_one(Kv& kv, Family family, std::string_view key) {
  std::vector<std::optional<std::string>> values;
  if (auto got = kv.get(family, {&key, 1}, values); !got) return tl::unexpected(got.error());
  return std::move(values.front());
}

}  // namespace deferd::store
