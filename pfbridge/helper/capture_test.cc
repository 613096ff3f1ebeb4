#include "pfbridge/helper/capture.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "pfbridge/helper/pcap_file.h"

namespace deferd::bridge {
namespace {

constexpr int kLinkEthernet = 1;

class CaptureTest : public testing::Test {
 protected:
  CaptureTest() {
    std::string name = (std::filesystem::temp_directory_path() / "deferd-capture.XXXXXX").string();
    folder = ::mkdtemp(name.data());
    path = (folder / "log.pcap").string();
  }
  ~CaptureTest() override { std::filesystem::remove_all(folder); }

  /// What a file tells of, a word of `in|out PEER INTERFACE` each; its end is in `state`.
  std::vector<std::string> read(const PcapFile& file, std::optional<Direction> direction = std::nullopt) {
    file.write(path);
    std::vector<std::string> seen;
    const auto capture = open_capture({path, direction, true}, error);
    if (!capture) return seen;
    EXPECT_LT(capture->descriptor(), 0);
    do {
      state = capture->read([&](const Connection& one) {
        seen.push_back((one.direction == Direction::in ? "in " : "out ") + one.peer().to_string() + ' ' + one.interface);
      });
    } while (state == Capture::State::open);
    if (state == Capture::State::failed) error = capture->error();
    return seen;
  }

  std::filesystem::path folder;
  std::string path, error;
  Capture::State state = Capture::State::open;
  using Seen = std::vector<std::string>;
  const Record client = ipv4(tcp(40000, 25)), client6 = ipv6(tcp(40000, 25));
};

TEST_F(CaptureTest, ReadsPflogFilesOfAllSystems) {
  for (const Pflog kind : {kOldest, kFreeBsd, kOpenBsd}) {
    PcapFile file(kLinkPflog);
    file.add(pflog(client, kind)).add(pflog(client, kind, 2)).add(pflog(client6, kind)).add(pflog(client6, kind, 2));
    EXPECT_EQ(read(file), (Seen{"in 192.0.2.7 em0", "out 198.51.100.25 em0", "in 2001:db8::7 em0", "out 2001:db8::25 em0"}));
    EXPECT_EQ(state, Capture::State::ended) << int{kind.length};
  }
}

TEST_F(CaptureTest, ReadsFilesFromMachinesOfTheOtherByteOrder) {
  EXPECT_EQ(read(PcapFile(kLinkPflog, true).add(pflog(client))), Seen{"in 192.0.2.7 em0"});
}

TEST_F(CaptureTest, ReadsNflogFilesOfBothFamilies) {
  PcapFile file(kLinkNflog);
  file.add(nflog(client)).add(nflog(client6, false, true)).add(nflog(client6, true, true));
  EXPECT_EQ(read(file), (Seen{"in 192.0.2.7 3", "out 2001:db8::25 4", "in 2001:db8::7 3"}));
  EXPECT_EQ(read(file, Direction::out), (Seen{"out 198.51.100.25 3", "out 2001:db8::25 4", "out 2001:db8::25 4"}));
}

TEST_F(CaptureTest, LeavesOutWhatIsNotThePassedBeginningOfAnSmtpConnection) {
  PcapFile file(kLinkPflog);
  file.add(pflog(client, kOpenBsd, 1, 1));      // blocked
  file.add(pflog(client, kOpenBsd, 1, 8));      // the record of a redirect
  file.add(pflog(ipv4(tcp(40000, 25, 0x12))));  // an answer
  file.add(pflog(ipv4(tcp(40000, 25, 0x10))));  // of a rule with `log (all)`
  file.add(pflog(ipv4(tcp(40000, 587))));
  file.add(pflog(ipv4(tcp(25, 40000))));
  file.add(pflog(ipv4(tcp(40000, 25), 0, 3)));  // a later fragment
  EXPECT_EQ(read(file), Seen{});
  EXPECT_EQ(state, Capture::State::ended);
}

TEST_F(CaptureTest, SkipsRecordsThatAreCutShortOrLie) {
  PcapFile file(kLinkPflog);
  for (const std::size_t captured : {0, 1, 60, 61, 99, 100, 119, 139}) file.add_cut(pflog(client), captured);
  for (const int length : {0, 44, 60, 255}) {
    auto record = pflog(client);
    record[0] = static_cast<std::uint8_t>(length);
    file.add(record);
  }
  EXPECT_EQ(read(file.add(pflog(client6))), Seen{"in 2001:db8::7 em0"});

  PcapFile attributes(kLinkNflog);
  for (const std::size_t captured : {0, 3, 4, 7, 20, 40}) attributes.add_cut(nflog(client), captured);
  for (const int length : {0, 3, 255}) {
    auto record = nflog(client);
    record[4] = static_cast<std::uint8_t>(length);
    attributes.add(record);
  }
  EXPECT_EQ(read(attributes.add(nflog(client6))), Seen{"in 2001:db8::7 3"});
}

TEST_F(CaptureTest, FailsAtTheEndOfAFileThatIsCutOff) {
  EXPECT_EQ(read(PcapFile(kLinkPflog).add(pflog(client)).add(pflog(client6)).cut_off(5)), Seen{"in 192.0.2.7 em0"});
  EXPECT_EQ(state, Capture::State::failed);
  EXPECT_NE(error.find(path), std::string::npos) << error;
  EXPECT_NE(error.find("truncated"), std::string::npos) << error;
}

TEST_F(CaptureTest, RefusesWhatIsNoLogOfAPacketFilter) {
  EXPECT_EQ(read(PcapFile(kLinkEthernet).add(client)), Seen{});
  EXPECT_EQ(error, path + ": not the log of a packet filter; name pflog0 or another pflog interface, or nflog:GROUP");
}

TEST_F(CaptureTest, SaysWhichFileOrDeviceCannotBeOpened) {
  EXPECT_EQ(open_capture({path, std::nullopt, true}, error), nullptr);
  EXPECT_NE(error.find(path), std::string::npos) << error;
  error.clear();
  EXPECT_EQ(open_capture({"pflog77", std::nullopt, false}, error), nullptr);
  EXPECT_EQ(error.rfind("pflog77: ", 0), 0u) << error;
}

}  // namespace
}  // namespace deferd::bridge
