// The checksum of a list.
#pragma once
#include <memory>
#include <string>
#include <string_view>

namespace deferd::blacklist {

/// SHA-256 of bytes that come in pieces.
class Digest {
 public:
  Digest();  ///< Throws ErrorException if OpenSSL computes none, as all of these.
  ~Digest();
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  void add(std::string_view bytes);
  /// Small hex digits, as sha256sum(1) prints them. Once, at the end.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace deferd::blacklist
