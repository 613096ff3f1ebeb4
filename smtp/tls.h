// TLS for the SMTP front end: one context for all connections, one transport each. OpenSSL 3.
#pragma once
#include <openssl/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deferd/result.h"
#include "deferd/schema.h"
#include "smtp/transport.h"

namespace deferd::smtp {

enum class TlsVersion : std::uint8_t { v1_2, v1_3 };

struct TlsConfig {
  std::string certificate;                ///< PEM, with the chain; empty: no STARTTLS.
  std::string key;                        ///< PEM.
  TlsVersion minimum = TlsVersion::v1_2;  ///< RFC 8996: nothing older.
  std::string ciphers;                    ///< OpenSSL's list for 1.2; empty: its default.
  std::string client_ca;                  ///< PEM of who may vouch for client certificates; empty: none is asked for.
  std::vector<std::string> mx_names;      ///< Names that the MX records of our domains have: the certificate must cover them.
  static Schema<TlsConfig> schema();
};

/// Immutable once loaded; a reload loads another. Thread-safe.
class TlsContext {
 public:
  /// Errors: invalid, naming file and remedy (no such file, key does not belong to the certificate, expired ...).
  static Result<std::shared_ptr<TlsContext>> load(const TlsConfig& config);
  ~TlsContext();

  /// What senders with DANE or MTA-STS would stumble over: names of config.mx_names it does not cover, days until it expires if
  /// few. For `deferd -t` and the log.
  std::vector<std::string> warnings(const TlsConfig& config, std::chrono::sys_seconds now) const;

  SSL_CTX* get() const { return context_; }

 private:
  explicit TlsContext(SSL_CTX* context) : context_(context) {}
  SSL_CTX* context_;
};

/// One record per write; buffers are released while idle (SSL_MODE_RELEASE_BUFFERS).
class TlsTransport : public Transport {
 public:
  TlsTransport(std::shared_ptr<TlsContext> context, int descriptor);
  ~TlsTransport() override;

  Moved handshake();
  /// After the handshake: subject of a verified client certificate, empty if none; "TLSv1.3 with cipher ..." for the log.
  std::string verified_subject() const;
  std::string description() const;

  Moved read(std::span<char> into) override;
  Moved write(std::string_view bytes) override;
  bool encrypted() const override { return true; }

 private:
  std::shared_ptr<TlsContext> context_;
  SSL* ssl_;
};

}  // namespace deferd::smtp

namespace deferd {

template <>
struct Choices<smtp::TlsVersion> {
  static constexpr std::pair<std::string_view, smtp::TlsVersion> values[] = {{"1.2", smtp::TlsVersion::v1_2},
                                                                             {"1.3", smtp::TlsVersion::v1_3}};
};

}  // namespace deferd
