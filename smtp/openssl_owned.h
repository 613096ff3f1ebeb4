// OpenSSL's objects with an owner.
#pragma once
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

namespace deferd::smtp {

template <auto free>
struct OpensslFree {
  template <class T>
  void operator()(T* object) const {
    free(object);
  }
};

using OwnedBio = std::unique_ptr<BIO, OpensslFree<BIO_free_all>>;
using OwnedKey = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using OwnedCertificate = std::unique_ptr<X509, OpensslFree<X509_free>>;
using OwnedSsl = std::unique_ptr<SSL, OpensslFree<SSL_free>>;
using OwnedSslContext = std::unique_ptr<SSL_CTX, OpensslFree<SSL_CTX_free>>;

}  // namespace deferd::smtp
