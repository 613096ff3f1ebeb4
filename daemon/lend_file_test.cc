#include "daemon/lend_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops/test_support.h"

namespace deferd {
namespace {

class LendFileTest : public ::testing::Test {
 protected:
  LendFileTest() {
    tls.certificate = dir / "certificate.pem";
    tls.key = dir / "key.pem";
    std::ofstream(config_file) << "";
    std::ofstream(tls.key) << "secret";
    std::ofstream(tls.certificate) << "public";
    chmod(config_file.c_str(), 0640);
    chmod(tls.key.c_str(), 0600);
    chmod(tls.certificate.c_str(), 0644);
  }
  std::string lent(smtp::TlsFile which) const {
    const auto file = lend_file(config_file, tls, which);
    if (!file) return file.error().what;
    char bytes[100];
    const auto got = ::read(file->get(), bytes, sizeof bytes);
    return {bytes, static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
  }

  test::TempDir dir;
  const std::string config_file = dir / "deferd.yaml";
  smtp::TlsConfig tls;
};

TEST_F(LendFileTest, OpensWhatTheConfigurationNames) {
  EXPECT_EQ(lent(smtp::TlsFile::key), "secret");
  EXPECT_EQ(lent(smtp::TlsFile::certificate), "public");
  EXPECT_EQ(lent(smtp::TlsFile::client_ca), "the configuration names no such file");
}

TEST_F(LendFileTest, SaysThatAFileIsMissing) {
  std::filesystem::remove(tls.key);
  EXPECT_EQ(lent(smtp::TlsFile::key), tls.key + ": No such file or directory");
}

TEST_F(LendFileTest, OpensNothingThatOthersCouldHavePutThere) {
  chmod(dir.path().c_str(), 0777);
  EXPECT_NE(lent(smtp::TlsFile::key).find("can be written to by others"), std::string::npos) << lent(smtp::TlsFile::key);
}

TEST_F(LendFileTest, BelievesNoConfigurationThatOthersCanChange) {
  chmod(config_file.c_str(), 0666);
  EXPECT_NE(lent(smtp::TlsFile::key).find(config_file), std::string::npos) << lent(smtp::TlsFile::key);
}

TEST_F(LendFileTest, OpensOnlyFiles) {
  std::filesystem::remove(tls.key);
  ASSERT_EQ(mkfifo(tls.key.c_str(), 0600), 0);
  EXPECT_EQ(lent(smtp::TlsFile::key), tls.key + " is no file");
}

}  // namespace
}  // namespace deferd
