// For tests: certificates made on the spot, and a TLS client.
#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "smtp/openssl_owned.h"
#include "smtp/tls.h"

namespace deferd::smtp {

struct TestingCertificate {
  OwnedCertificate certificate;
  OwnedKey key;

  std::string certificate_pem() const;
  std::string key_pem(const char* passphrase = nullptr) const;
};

struct CertificateWish {
  std::string common_name = "test";
  std::vector<std::string> names{};  ///< Subject alternative names.
  bool rsa = false;                  ///< Else an elliptic curve: made faster.
  std::chrono::seconds from{-3600};  ///< From now.
  std::chrono::seconds until{std::chrono::hours{24 * 90}};
  const TestingCertificate* issuer = nullptr;  ///< Null: it signs itself, and may sign others.
};

/// Throws std::runtime_error.
TestingCertificate make_testing_certificate(const CertificateWish& wish);

/// A client's end of a connection, over a socket of its own; non-blocking like the server's.
class TestingTlsClient {
 public:
  /// `certificate` may be null: none is shown.
  explicit TestingTlsClient(int descriptor, const TestingCertificate* certificate = nullptr, int highest_version = 0);
  ~TestingTlsClient();  ///< Without a word (no close_notify).

  enum class Said { done, wait, failed };
  Said handshake();
  Said send(std::string_view bytes);
  /// What has arrived so far; closed() tells whether the server has said that it ends.
  std::string receive();
  bool closed() const { return closed_; }
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  SSL* get() const { return ssl_.get(); }

 private:
  OwnedSslContext context_;
  OwnedSsl ssl_;
  bool closed_ = false;
};

}  // namespace deferd::smtp
