// Lists may come packed by gzip, whatever they are called: recognised by their first bytes.
#pragma once
#include <cstdint>
#include <memory>
#include <string_view>

#include "take.h"

namespace deferd::blacklist {

/// Hands on what comes, unpacked if it is packed (RFC 1952, several members one after the other as well). Memory: some 100 KiB.
class Unpacker {
 public:
  Unpacker(std::uint64_t most, Take take);
  ~Unpacker();
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;

  /// Errors: invalid: damaged, or more than `most` bytes when unpacked; and what `take` fails with.
  Result<void> feed(std::string_view bytes);
  /// Once, at the end. Errors: invalid: cut off; and what `take` fails with.
  Result<void> finish();

 private:
  class Inflater;
  enum class Kind : std::uint8_t { unknown, half_known, plain, packed };

  Result<void> decide(std::string_view bytes);
  Result<void> hand_on(std::string_view bytes);

  const std::uint64_t most_;
  const Take take_;
  Kind kind_ = Kind::unknown;
  std::uint64_t given_ = 0;
  std::unique_ptr<Inflater> inflater_;
};

}  // namespace deferd::blacklist
