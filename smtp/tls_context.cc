// Loading and judging the certificate; tls.cc has the connections.
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "ops/privileges.h"
#include "smtp/openssl_owned.h"
#include "smtp/tls.h"

namespace deferd::smtp {
namespace {

constexpr std::chrono::days kShortly{14};

std::string reason() {
  const auto code = ERR_peek_last_error();
  const char* text = code == 0 ? nullptr : ERR_reason_error_string(code);
  return text != nullptr ? text : "OpenSSL gives no reason";
}

/// The file, opened; or why not.
Result<OwnedBio> read_from(TlsFile which, const char* what, const std::string& path, const OpenTlsFile& open) {
  auto file = open(which, path);
  FILE* stream = file ? ::fdopen(file.get(), "r") : nullptr;
  OwnedBio bio(stream != nullptr ? BIO_new_fp(stream, BIO_CLOSE) : nullptr);
  if (bio) {
    static_cast<void>(file.release());  // the stream's
    return bio;
  }
  std::string why = std::string(what) + ": " + path + " cannot be read: " + std::strerror(errno);
  if (errno == EACCES) why += "; deferd runs as " + user_name(::geteuid());
  return fail(Errc::invalid, std::move(why));
}

Result<void> no_pem(const char* what, const std::string& path, const char* sought) {
  return fail(Errc::invalid, std::string(what) + ": " + path + " holds no " + sought + " in PEM form (" + reason() + ")");
}

// Asked for the passphrase of an encrypted key: there is nobody to type it.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

/// All certificates of a PEM text; empty if there is none, or something is wrong with one.
std::vector<OwnedCertificate> read_certificates(BIO* text) {
  std::vector<OwnedCertificate> found;
  bool asked = false;
  while (X509* one = PEM_read_bio_X509_AUX(text, nullptr, no_passphrase, &asked)) found.emplace_back(one);
  const auto last = ERR_peek_last_error();
  if (ERR_GET_LIB(last) != ERR_LIB_PEM || ERR_GET_REASON(last) != PEM_R_NO_START_LINE)
    found.clear();
  else if (!found.empty())
    ERR_clear_error();  // the end of the text
  return found;
}

Result<void> use_certificate(SSL_CTX* context, const TlsConfig& config, const OpenTlsFile& open) {
  auto text = read_from(TlsFile::certificate, "certificate", config.certificate, open);
  if (!text) return tl::unexpected(text.error());
  auto chain = read_certificates(text->get());
  if (chain.empty() || SSL_CTX_use_certificate(context, chain.front().get()) != 1)
    return no_pem("certificate", config.certificate, "certificate");
  for (std::size_t i = 1; i < chain.size(); ++i)
    if (SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1)
      return fail(Errc::invalid, "certificate: the chain in " + config.certificate + " cannot be used: " + reason());
  return {};
}

Result<void> use_key(SSL_CTX* context, const TlsConfig& config, const OpenTlsFile& open) {
  const auto text = read_from(TlsFile::key, "key", config.key, open);
  if (!text) return tl::unexpected(text.error());
  bool asked = false;
  const OwnedKey key(PEM_read_bio_PrivateKey(text->get(), nullptr, no_passphrase, &asked));
  if (asked)
    return fail(Errc::invalid, "key: " + config.key +
                                   " is encrypted, and nobody is there to type the passphrase: store it without one "
                                   "(openssl pkey -in FILE -out FILE), readable by root or deferd's user alone");
  if (!key) return no_pem("key", config.key, "private key");
  if (X509_check_private_key(SSL_CTX_get0_certificate(context), key.get()) != 1)
    return fail(Errc::invalid, "key: " + config.key + " does not belong to the certificate in " + config.certificate);
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1)
    return fail(Errc::invalid, "key: " + config.key + " cannot be used: " + reason());
  return {};
}

// The handshake goes on with a client nobody vouches for: it is a stranger like any other. That it failed stays on record.
int take_any(int, X509_STORE_CTX*) { return 1; }

Result<void> use_client_ca(SSL_CTX* context, const TlsConfig& config, const OpenTlsFile& open) {
  if (config.client_ca.empty()) return {};
  const auto text = read_from(TlsFile::client_ca, "client_ca", config.client_ca, open);
  if (!text) return tl::unexpected(text.error());
  const auto authorities = read_certificates(text->get());
  if (authorities.empty()) return no_pem("client_ca", config.client_ca, "certificate");
  for (const auto& one : authorities)
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), one.get()) != 1 || SSL_CTX_add_client_CA(context, one.get()) != 1)
      return fail(Errc::invalid, "client_ca: " + config.client_ca + " cannot be used: " + reason());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, take_any);
  return {};
}

std::chrono::sys_seconds time_of(const ASN1_TIME* time) {
  std::tm parts{};
  ASN1_TIME_to_tm(time, &parts);
  return std::chrono::sys_seconds{std::chrono::seconds{::timegm(&parts)}};
}

std::string validity(const X509* certificate, std::chrono::sys_seconds now) {
  const auto from = time_of(X509_get0_notBefore(certificate));
  const auto until = time_of(X509_get0_notAfter(certificate));
  if (now < from) return "is not valid before " + format_time(from);
  if (now > until) return "has expired on " + format_time(until);
  if (until - now < kShortly)
    return "expires within " + std::to_string(std::chrono::ceil<std::chrono::days>(until - now).count()) + " days, on " +
           format_time(until);
  return {};
}

bool covers(X509* certificate, std::string name) {
  if (name.ends_with('.')) name.pop_back();
  return X509_check_host(certificate, name.c_str(), name.size(),
                         X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
}

}  // namespace

Descriptor open_tls_file(TlsFile, const std::string& path) { return Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC)); }

Result<std::shared_ptr<TlsContext>> TlsContext::load(const TlsConfig& config, const OpenTlsFile& open) {
  ERR_clear_error();
  OwnedSslContext context(SSL_CTX_new(TLS_server_method()));
  if (!context) return fail(Errc::invalid, "OpenSSL: " + reason());
  SSL_CTX_set_min_proto_version(context.get(), config.minimum == TlsVersion::v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
  // Many clients close without close_notify; SMTP says itself where a message ends.
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                         SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_dh_auto(context.get(), 1);
  // Clients resume by tickets, which cost us no memory.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  static constexpr unsigned char kId[] = "deferd";
  SSL_CTX_set_session_id_context(context.get(), kId, sizeof kId - 1);
  if (!config.ciphers.empty() && SSL_CTX_set_cipher_list(context.get(), config.ciphers.c_str()) != 1)
    return fail(Errc::invalid, "ciphers: " + detail::quote(config.ciphers) + " names no cipher that this OpenSSL has");
  for (const auto use : {use_certificate, use_key, use_client_ca})
    if (auto used = use(context.get(), config, open); !used) return tl::unexpected(used.error());
  return std::shared_ptr<TlsContext>(new TlsContext(context.release()));
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

std::chrono::sys_seconds TlsContext::expires() const { return time_of(X509_get0_notAfter(SSL_CTX_get0_certificate(context_))); }

std::vector<std::string> TlsContext::warnings(const TlsConfig& config, std::chrono::sys_seconds now) const {
  std::vector<std::string> found;
  auto* certificate = SSL_CTX_get0_certificate(context_);
  if (auto wrong = validity(certificate, now); !wrong.empty())
    found.push_back("certificate: " + config.certificate + " " + wrong);
  for (const auto& name : config.mx_names)
    if (!covers(certificate, name))
      found.push_back("mx_names: the certificate does not cover " + name +
                      ": senders that verify it (MTA-STS, DANE) will not deliver");
  struct stat status {};
  if (::stat(config.key.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0)
    found.push_back("key: everybody on this machine can read " + config.key);
  return found;
}

}  // namespace deferd::smtp
