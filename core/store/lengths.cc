#include "store/lengths.h"

#include "store/encoding.h"

namespace deferd::store {

LengthsInUse::~LengthsInUse() {
  for (Node* node = first_; node != nullptr;) {
    const std::unique_ptr<Node> owned(node);
    node = node->next;
  }
}

Result<void> LengthsInUse::open(Kv& kv, LengthsInUse& lengths) {
  return kv.scan(Family::tables, kLengthKeys, after_prefix(std::string(kLengthKeys)), false, [&](std::string_view key, auto) {
    Reader reader(key.substr(kLengthKeys.size()));
    const auto table = reader.text();
    const bool v4 = reader.u8() == 4;
    const int length = reader.u8();
    if (reader.done() && length <= 128) lengths.set(table, v4, length);
    return true;
  });
}

LengthsInUse::Node* LengthsInUse::find(std::string_view table) const {
  Node* node = first_.load(std::memory_order_acquire);
  while (node != nullptr && node->table != table) node = node->next;
  return node;
}

bool LengthsInUse::set(std::string_view table, bool v4, int length) {
  Node* node = find(table);
  if (node == nullptr) {
    node = new Node{std::string(table)};
    node->next = first_;
    first_.store(node, std::memory_order_release);
  }
  const std::uint64_t bit = 1ULL << (length % 64);
  return (node->bits[v4 ? 0 : 1][static_cast<std::size_t>(length / 64)].fetch_or(bit) & bit) == 0;
}

std::vector<int> LengthsInUse::of(std::string_view table, bool v4) const {
  std::vector<int> lengths;
  const Node* node = find(table);
  if (node == nullptr) return lengths;
  for (int word = 2; word >= 0; --word) {
    auto bits = node->bits[v4 ? 0 : 1][static_cast<std::size_t>(word)].load();
    while (bits != 0) {
      const int bit = 63 - __builtin_clzll(bits);
      lengths.push_back(word * 64 + bit);
      bits &= ~(1ULL << bit);
    }
  }
  return lengths;
}

void LengthsInUse::add(Batch& batch, std::string_view table, const Prefix& prefix) {
  const bool v4 = prefix.address().is_v4();
  set(table, v4, prefix.length());
  // Written with every new row: cheap, and right also when an earlier batch that brought the length failed.
  batch.put(Family::tables, length_key(table, v4, prefix.length()), {});
}

}  // namespace deferd::store
