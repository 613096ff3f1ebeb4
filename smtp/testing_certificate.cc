#include "smtp/testing_certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace deferd::smtp {
namespace {

void must(bool done, const char* what) {
  if (!done) throw std::runtime_error(what);
}

std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(bio, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

void extend(X509* certificate, int nid, const std::string& value) {
  const std::unique_ptr<X509_EXTENSION, OpensslFree<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str()));
  must(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "X509_add_ext");
}

}  // namespace

std::string TestingCertificate::certificate_pem() const {
  const OwnedBio bio(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_X509(bio.get(), certificate.get()) == 1, "PEM_write_bio_X509");
  return text_of(bio.get());
}

std::string TestingCertificate::key_pem(const char* passphrase) const {
  const OwnedBio bio(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), passphrase != nullptr ? EVP_aes_128_cbc() : nullptr, nullptr, 0,
                                     nullptr, const_cast<char*>(passphrase)) == 1,
       "PEM_write_bio_PKCS8PrivateKey");
  return text_of(bio.get());
}

TestingCertificate make_testing_certificate(const CertificateWish& wish) {
  static long serial = 0;
  TestingCertificate made{OwnedCertificate(X509_new()), OwnedKey(wish.rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"))};
  auto* certificate = made.certificate.get();
  must(certificate != nullptr && made.key, "out of memory");
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), wish.from.count());
  X509_gmtime_adj(X509_getm_notAfter(certificate), wish.until.count());
  X509_set_pubkey(certificate, made.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(wish.common_name.c_str()), -1, -1, 0);
  const auto& issuer = wish.issuer != nullptr ? *wish.issuer : made;
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer.certificate.get()));
  extend(certificate, NID_basic_constraints, wish.issuer != nullptr ? "critical,CA:FALSE" : "critical,CA:TRUE");
  std::string names;
  for (const auto& name : wish.names) names += (names.empty() ? "DNS:" : ",DNS:") + name;
  if (!names.empty()) extend(certificate, NID_subject_alt_name, names);
  must(X509_sign(certificate, issuer.key.get(), EVP_sha256()) > 0, "X509_sign");
  return made;
}

TestingTlsClient::TestingTlsClient(int descriptor, const TestingCertificate* certificate, int highest_version)
    : context_(SSL_CTX_new(TLS_client_method())) {
  if (highest_version != 0) {
    SSL_CTX_set_min_proto_version(context_.get(), 0);
    SSL_CTX_set_max_proto_version(context_.get(), highest_version);
    SSL_CTX_set_cipher_list(context_.get(), "DEFAULT:@SECLEVEL=0");  // else nothing old is offered at all
  }
  SSL_CTX_set_mode(context_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (certificate != nullptr) {
    SSL_CTX_use_certificate(context_.get(), certificate->certificate.get());
    SSL_CTX_use_PrivateKey(context_.get(), certificate->key.get());
  }
  ssl_.reset(SSL_new(context_.get()));
  must(ssl_ && SSL_set_fd(ssl_.get(), descriptor) == 1, "SSL_set_fd");
  SSL_set_connect_state(ssl_.get());
}

// Else its session could not be resumed.
TestingTlsClient::~TestingTlsClient() { SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); }

TestingTlsClient::Said TestingTlsClient::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) return Said::done;
  const int error = SSL_get_error(ssl_.get(), result);
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? Said::wait : Said::failed;
}

TestingTlsClient::Said TestingTlsClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    ERR_clear_error();
    std::size_t sent = 0;
    const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &sent);
    if (result != 1) return SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_WRITE ? Said::wait : Said::failed;
    bytes.remove_prefix(sent);
  }
  return Said::done;
}

std::string TestingTlsClient::receive() {
  std::string all;
  char part[4096];
  std::size_t got = 0;
  ERR_clear_error();
  int result = 0;
  while ((result = SSL_read_ex(ssl_.get(), part, sizeof part, &got)) == 1) all.append(part, got);
  closed_ = SSL_get_error(ssl_.get(), result) == SSL_ERROR_ZERO_RETURN;
  return all;
}

}  // namespace deferd::smtp
