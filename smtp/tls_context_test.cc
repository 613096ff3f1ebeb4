#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>

#include "net/testing_socket.h"
#include "smtp/testing_certificate.h"
#include "smtp/tls.h"

namespace deferd::smtp {
namespace {

using std::chrono::hours;
using testing::ElementsAre, testing::HasSubstr, testing::IsEmpty, testing::StartsWith;

class TlsContextTest : public testing::Test {
 protected:
  std::string put(const char* name, const std::string& text) {
    const auto path = folder_.file(name);
    std::ofstream(path) << text;
    ::chmod(path.c_str(), 0600);
    return path;
  }
  TlsConfig config(const TestingCertificate& made) {
    TlsConfig config;
    config.certificate = put("certificate.pem", made.certificate_pem());
    config.key = put("key.pem", made.key_pem());
    return config;
  }
  static std::string refused(const TlsConfig& config) {
    const auto context = TlsContext::load(config);
    return context ? "loaded" : context.error().what;
  }
  static std::vector<std::string> warnings(const TlsConfig& config) {
    return TlsContext::load(config).value()->warnings(config,
                                                      std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
  }

  SocketFolder folder_;
};

TEST_F(TlsContextTest, LoadsBothKindsOfKeys) {
  for (const bool rsa : {true, false}) EXPECT_EQ(refused(config(make_testing_certificate({.rsa = rsa}))), "loaded") << rsa;
}

TEST_F(TlsContextTest, LoadsAChain) {
  const auto authority = make_testing_certificate({.common_name = "authority"});
  const auto made = make_testing_certificate({.issuer = &authority});
  auto tls = config(made);
  tls.certificate = put("chain.pem", made.certificate_pem() + authority.certificate_pem());
  EXPECT_EQ(refused(tls), "loaded");
}

TEST_F(TlsContextTest, NamesAFileThatIsMissing) {
  auto tls = config(make_testing_certificate({}));
  tls.key = folder_.file("none.pem");
  EXPECT_EQ(refused(tls), "key: " + tls.key + " cannot be read: No such file or directory");
  tls.certificate = folder_.file("none.pem");
  EXPECT_EQ(refused(tls), "certificate: " + tls.certificate + " cannot be read: No such file or directory");
}

TEST_F(TlsContextTest, NamesAFileThatHoldsSomethingElse) {
  auto tls = config(make_testing_certificate({}));
  std::swap(tls.key, tls.certificate);
  EXPECT_THAT(refused(tls), StartsWith("certificate: " + tls.certificate + " holds no certificate in PEM form"));
  std::swap(tls.key, tls.certificate);
  tls.key = tls.certificate;
  EXPECT_THAT(refused(tls), StartsWith("key: " + tls.key + " holds no private key in PEM form"));
}

TEST_F(TlsContextTest, NamesAFileThatIsDamaged) {
  auto tls = config(make_testing_certificate({}));
  tls.certificate = put("bad.pem", "-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n");
  EXPECT_THAT(refused(tls), HasSubstr("bad.pem holds no certificate in PEM form ("));
}

TEST_F(TlsContextTest, RefusesTheKeyOfAnotherCertificate) {
  const auto one = make_testing_certificate({});
  for (const bool rsa : {true, false}) {
    auto tls = config(one);
    tls.key = put("other.pem", make_testing_certificate({.rsa = rsa}).key_pem());
    EXPECT_EQ(refused(tls), "key: " + tls.key + " does not belong to the certificate in " + tls.certificate) << rsa;
  }
}

TEST_F(TlsContextTest, RefusesAnEncryptedKeyWithoutAskingForThePassphrase) {
  const auto made = make_testing_certificate({});
  auto tls = config(made);
  tls.key = put("encrypted.pem", made.key_pem("secret"));
  EXPECT_THAT(refused(tls), HasSubstr("encrypted.pem is encrypted, and nobody is there to type the passphrase"));
}

TEST_F(TlsContextTest, RefusesCiphersThatDoNotExist) {
  auto tls = config(make_testing_certificate({}));
  tls.ciphers = "ECDHE+AESGCM";
  EXPECT_EQ(refused(tls), "loaded");
  tls.ciphers = "ROT13";
  EXPECT_EQ(refused(tls), "ciphers: 'ROT13' names no cipher that this OpenSSL has");
}

TEST_F(TlsContextTest, RefusesAnAuthorityThatIsNone) {
  auto tls = config(make_testing_certificate({}));
  tls.client_ca = tls.key;
  EXPECT_THAT(refused(tls), StartsWith("client_ca: " + tls.key + " holds no certificate in PEM form"));
}

TEST_F(TlsContextTest, LoadsWhatItIsGivenInPlaceOfFilesItCannotOpen) {
  const auto files = config(make_testing_certificate({}));
  auto hidden = files;
  hidden.certificate = hidden.key = hidden.client_ca = "/nonexistent/file.pem";
  std::string asked;
  const auto open = [&](TlsFile which, const std::string& path) {
    asked += static_cast<char>(which);
    EXPECT_EQ(path, "/nonexistent/file.pem");
    return open_tls_file(which, which == TlsFile::key ? files.key : files.certificate);
  };
  EXPECT_TRUE(TlsContext::load(hidden, open));
  EXPECT_EQ(asked, "cka");
}

TEST_F(TlsContextTest, AsksClientsForCertificatesOfEachAuthority) {
  const auto one = make_testing_certificate({.common_name = "one"}), other = make_testing_certificate({.common_name = "other"});
  auto tls = config(make_testing_certificate({}));
  tls.client_ca = put("authorities.pem", one.certificate_pem() + other.certificate_pem());
  const auto context = TlsContext::load(tls);
  ASSERT_TRUE(context);
  EXPECT_EQ(sk_X509_NAME_num(SSL_CTX_get_client_CA_list((*context)->get())), 2);
}

TEST_F(TlsContextTest, SendsTheWholeChain) {
  const auto authority = make_testing_certificate({.common_name = "authority"});
  const auto made = make_testing_certificate({.issuer = &authority});
  auto tls = config(made);
  tls.certificate = put("chain.pem", made.certificate_pem() + authority.certificate_pem());
  const auto context = TlsContext::load(tls);
  ASSERT_TRUE(context);
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs((*context)->get(), &chain);
  ASSERT_EQ(sk_X509_num(chain), 1);
  EXPECT_EQ(X509_cmp(sk_X509_value(chain, 0), authority.certificate.get()), 0);
}

TEST_F(TlsContextTest, RefusesAChainThatIsDamagedFurtherOn) {
  auto tls = config(make_testing_certificate({}));
  std::ofstream(tls.certificate, std::ios::app) << "-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n";
  EXPECT_THAT(refused(tls), HasSubstr("holds no certificate in PEM form ("));
}

TEST_F(TlsContextTest, ARightCertificateGivesNoWarnings) {
  auto tls = config(make_testing_certificate({.names = {"mx1.example.org", "*.mx.example.org"}}));
  tls.mx_names = {"mx1.example.org", "MX1.Example.ORG.", "a.mx.example.org"};
  EXPECT_THAT(warnings(tls), IsEmpty());
}

TEST_F(TlsContextTest, WarnsOfMxNamesThatItDoesNotCover) {
  auto tls = config(make_testing_certificate(
      {.common_name = "mx9.example.org", .names = {"mx1.example.org", "*.mx.example.org", "m*.example.org"}}));
  // A wildcard stands for one whole label, and the common name counts for nothing: RFC 8461 section 4.1.
  tls.mx_names = {"a.b.mx.example.org", "mx.example.org", "mx1.example.org", "mx9.example.org"};
  EXPECT_THAT(warnings(tls), ElementsAre(HasSubstr("does not cover a.b.mx.example.org"), HasSubstr("not cover mx.example.org"),
                                         HasSubstr("not cover mx9.example.org")));
}

TEST_F(TlsContextTest, WarnsBeforeItExpiresAndAfter) {
  EXPECT_THAT(warnings(config(make_testing_certificate({.until = hours{24 * 15}}))), IsEmpty());
  EXPECT_THAT(warnings(config(make_testing_certificate({.until = hours{24 * 3}}))),
              ElementsAre(HasSubstr("expires within 3 days, on ")));
  EXPECT_THAT(warnings(config(make_testing_certificate({.from = hours{-48}, .until = hours{-24}}))),
              ElementsAre(HasSubstr("has expired on ")));
  EXPECT_THAT(warnings(config(make_testing_certificate({.from = hours{24}}))), ElementsAre(HasSubstr("is not valid before ")));
}

TEST_F(TlsContextTest, WarnsOfAKeyThatEverybodyCanRead) {
  const auto tls = config(make_testing_certificate({}));
  ::chmod(tls.key.c_str(), 0644);
  EXPECT_THAT(warnings(tls), ElementsAre(HasSubstr("everybody on this machine can read ")));
}

}  // namespace
}  // namespace deferd::smtp
