// Which prefix lengths the tables have rows of: what find() must probe. Grows only; read without a lock.
#pragma once
#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/address.h"
#include "store/kv.h"

namespace deferd::store {

class LengthsInUse {
 public:
  static Result<void> open(Kv& kv, LengthsInUse& lengths);
  ~LengthsInUse();

  /// Narrowest first; empty when the table knows nothing of this family.
  std::vector<int> of(std::string_view table, bool v4) const;

  /// Called under the tables' lock, before the row is written; adds what must be written with it.
  void add(Batch& batch, std::string_view table, const Prefix& prefix);

 private:
  struct Node {
    std::string table;
    std::array<std::array<std::atomic<std::uint64_t>, 3>, 2> bits{};  // [IPv4, IPv6][length / 64]
    Node* next = nullptr;
  };
  Node* find(std::string_view table) const;
  bool set(std::string_view table, bool v4, int length);  ///< False if it was known.

  std::atomic<Node*> first_ = nullptr;
};

}  // namespace deferd::store
