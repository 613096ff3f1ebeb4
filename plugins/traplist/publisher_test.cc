// What others get to read.
#include "publisher.h"

#include <zlib.h>

#include <thread>

#include "traplist_fixture.h"

namespace deferd::traplist {
namespace {

class PublisherTest : public TraplistTest {
 protected:
  static std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static std::string unpacked(const std::string& path) {
    std::string text(1 << 20, '\0');
    const auto file = ::gzopen(path.c_str(), "rb");
    if (file == nullptr) return "(none)";
    text.resize(static_cast<std::size_t>(::gzread(file, text.data(), static_cast<unsigned>(text.size()))));
    ::gzclose(file);
    return text;
  }
  PublishConfig config{"trapped", folder.path("traps.txt"), 1h};
};

TEST_F(PublisherTest, WritesTheTableInOrderPlainAndPacked) {
  put(kTrapped, "2001:db8::7", "traplist");
  put(kTrapped, "203.0.113.7", "traplist");
  put(kTrapped, "192.0.2.0/24", "operator");
  put(kWhite, "198.51.100.7", "greylist");
  const auto written = publish(host.tables(), config);
  ASSERT_TRUE(written) << written.error().what;
  EXPECT_EQ(*written, 3u);
  EXPECT_EQ(read(config.file), "192.0.2.0/24\n203.0.113.7\n2001:db8::7\n");
  EXPECT_EQ(unpacked(config.file + ".gz"), read(config.file));
  after(24h);
  EXPECT_EQ(or_throw(publish(host.tables(), config)), 0u);
  EXPECT_EQ(read(config.file), "");
  EXPECT_EQ(unpacked(config.file + ".gz"), "");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path("")), {}), 2);  // nothing is left lying about
}

TEST_F(PublisherTest, LeavesWhatWasWrittenWhenTheStoreIsBroken) {
  put(kTrapped, kClient, "traplist");
  or_throw(publish(host.tables(), config));
  host.break_store({Errc::io, "disk full"});
  EXPECT_FALSE(publish(host.tables(), config));
  EXPECT_EQ(read(config.file), "192.0.2.7\n");
  host.mend_store();
  config.file = folder.path("nowhere/traps.txt");
  const auto failed = publish(host.tables(), config);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().what, config.file + ": No such file or directory");
}

TEST_F(PublisherTest, PublishesWithoutBeingAsked) {
  put(kTrapped, kClient, "traplist");
  Config settings;
  settings.publish = {config};
  configure(settings);
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (unpacked(config.file + ".gz") != "192.0.2.7\n" && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  EXPECT_EQ(unpacked(config.file + ".gz"), "192.0.2.7\n");
}

}  // namespace
}  // namespace deferd::traplist
