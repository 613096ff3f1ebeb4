// TLS for the SMTP front end: one context for all connections, one transport each. OpenSSL 3.
#pragma once
#include <openssl/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deferd/result.h"
#include "deferd/schema.h"
#include "ops/descriptors.h"
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

enum class TlsFile : char { certificate = 'c', key = 'k', client_ca = 'a' };

/// Opens a file of the certificate to be read; an empty descriptor, with errno, if that cannot be done.
using OpenTlsFile = std::function<Descriptor(TlsFile, const std::string& path)>;
Descriptor open_tls_file(TlsFile, const std::string& path);

/// Immutable once loaded; a reload loads another, connections keep theirs. Thread-safe.
class TlsContext {
 public:
  /// Errors: invalid, naming file and remedy (no such file, not to be read by whom, no PEM, key of another certificate ...). An
  /// expired certificate is no error but a warning: most senders take it, without TLS some would not come at all.
  static Result<std::shared_ptr<TlsContext>> load(const TlsConfig& config, const OpenTlsFile& open = open_tls_file);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  /// What senders that verify (MTA-STS, RFC 8461 section 4.1; DANE, RFC 7672) would stumble over: names of config.mx_names that
  /// no subject alternative name covers, not valid yet, expired or within 14 days of it; and a key that everybody can read.
  /// For `deferd -t` and the log.
  std::vector<std::string> warnings(const TlsConfig& config, std::chrono::sys_seconds now) const;

  std::chrono::sys_seconds expires() const;

  SSL_CTX* get() const { return context_; }

 private:
  explicit TlsContext(SSL_CTX* context) : context_(context) {}
  SSL_CTX* context_;
};

/// The server's side of one connection. One record per write; buffers are released while idle (SSL_MODE_RELEASE_BUFFERS).
/// Read until wait_read before waiting for the socket: what OpenSSL has read already does not show there. After a write's
/// wait_write or wait_read the next write begins with the same bytes; there may be more of them.
class TlsTransport : public Transport {
 public:
  TlsTransport(std::shared_ptr<TlsContext> context, int descriptor);
  ~TlsTransport() override;  ///< Says so to the client (close_notify) as far as it goes at once: before the descriptor is closed.
  TlsTransport(const TlsTransport&) = delete;
  TlsTransport& operator=(const TlsTransport&) = delete;

  Moved handshake();
  /// After the handshake: subject of a verified client certificate (RFC 4514), empty if none.
  std::string verified_subject() const;
  std::string description() const;  ///< "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384", for the log.

  Moved read(std::span<char> into) override;
  Moved write(std::string_view bytes) override;
  bool encrypted() const override { return true; }
  void say_end() override;

 private:
  Moved outcome(int result, std::size_t bytes);

  std::shared_ptr<TlsContext> context_;
  SSL* ssl_;
  bool broken_ = false;  // nothing more can be said
};

}  // namespace deferd::smtp

namespace deferd {

template <>
struct Choices<smtp::TlsVersion> {
  static constexpr std::pair<std::string_view, smtp::TlsVersion> values[] = {{"1.2", smtp::TlsVersion::v1_2},
                                                                             {"1.3", smtp::TlsVersion::v1_3}};
};

}  // namespace deferd
