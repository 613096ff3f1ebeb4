#include "digest.h"

#include <openssl/evp.h>

#include "deferd/result.h"

namespace deferd::blacklist {

std::string sha256_of(std::string_view bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr) != 1)
    throw ErrorException({Errc::unavailable, "OpenSSL computes no SHA-256"});
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += {kHex[digest[i] >> 4], kHex[digest[i] & 15]};
  return text;
}

}  // namespace deferd::blacklist
