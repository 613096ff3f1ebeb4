#include "smtp/tls.h"

#include <openssl/err.h>

#include <new>

#include "smtp/openssl_owned.h"
#include "smtp/tls_bio.h"

namespace deferd::smtp {

TlsTransport::TlsTransport(std::shared_ptr<TlsContext> context, int descriptor) : context_(std::move(context)) {
  OwnedSsl ssl(SSL_new(context_->get()));
  if (!ssl) throw std::bad_alloc();
  BIO* bio = make_tls_bio(descriptor);
  SSL_set_bio(ssl.get(), bio, bio);
  SSL_set_accept_state(ssl.get());
  ssl_ = ssl.release();
}

TlsTransport::~TlsTransport() {
  TlsTransport::say_end();
  SSL_free(ssl_);
}

void TlsTransport::say_end() {
  if (broken_ || !SSL_is_init_finished(ssl_)) return;
  ERR_clear_error();
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

// Errors of other connections of this thread would be taken for ours, so every call begins with an empty error queue.
Moved TlsTransport::outcome(int result, std::size_t bytes) {
  if (result == 1) return {Moved::State::ok, bytes};
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return {Moved::State::wait_read};
    case SSL_ERROR_WANT_WRITE:
      return {Moved::State::wait_write};
    case SSL_ERROR_ZERO_RETURN:
      return {Moved::State::closed};
    default:
      broken_ = true;
      ERR_clear_error();
      return {Moved::State::failed};
  }
}

Moved TlsTransport::handshake() {
  if (broken_) return {Moved::State::failed};
  ERR_clear_error();
  return outcome(SSL_do_handshake(ssl_), 0);
}

Moved TlsTransport::read(std::span<char> into) {
  if (broken_) return {Moved::State::failed};
  ERR_clear_error();
  std::size_t got = 0;
  const int result = SSL_read_ex(ssl_, into.data(), into.size(), &got);
  return outcome(result, got);
}

Moved TlsTransport::write(std::string_view bytes) {
  if (broken_) return {Moved::State::failed};
  ERR_clear_error();
  std::size_t sent = 0;
  const int result = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &sent);
  return outcome(result, sent);
}

std::string TlsTransport::verified_subject() const {
  auto* certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr || SSL_get_verify_result(ssl_) != X509_V_OK) return {};
  const OwnedBio text(BIO_new(BIO_s_mem()));
  if (!text) throw std::bad_alloc();
  X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(text.get(), &bytes);
  return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : "(no subject)";
}

std::string TlsTransport::description() const {
  return std::string(SSL_get_version(ssl_)) + " with cipher " + SSL_get_cipher_name(ssl_);
}

}  // namespace deferd::smtp
