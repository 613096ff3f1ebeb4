// The bytes of our records: a version first, then numbers in as few bytes as they need. Reading is bounded and takes only what
// writing makes.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "deferd/address.h"
#include "deferd/time.h"

namespace deferd::greylist {

/// A number of a text that stays the same for ever, as it is stored: 64 bits, well mixed.
std::uint64_t stable_hash(std::string_view text);

class Writer {
 public:
  explicit Writer(std::uint8_t version) { byte(version); }
  void byte(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void number(std::uint64_t value);
  void time(Time value);  ///< Before 1970 is written as 1970.
  void text(std::string_view value);
  void address(const Address& value);
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

/// After the first thing that is not there, everything reads as 0 and done() is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}
  std::uint8_t byte();
  std::uint64_t number();
  Time time();
  std::string_view text();
  Address address();
  bool done() const { return good_ && left_.empty(); }  ///< All was there, and there is no more.

 private:
  std::string_view take(std::size_t size);

  std::string_view left_;
  bool good_ = true;
};

}  // namespace deferd::greylist
