// Capture files written by hand, https://www.tcpdump.org/manpages/pcap-savefile.5.html: for tests.
#pragma once
#include <algorithm>
#include <fstream>
#include <string>

#include "pfbridge/helper/packet_records.h"

namespace deferd::bridge {

/// In the byte order of this machine, or, if `swapped`, of the other kind.
class PcapFile {
 public:
  explicit PcapFile(int link, bool swapped = false) : swapped_(swapped) {
    put32(0xa1b2c3d4);
    put16(2);
    put16(4);
    for (const std::uint32_t word : {0U, 0U, 65535U, static_cast<std::uint32_t>(link)}) put32(word);
  }

  PcapFile& add(const Record& record) { return add_cut(record, record.size()); }
  /// As a snap length that was too small leaves it.
  PcapFile& add_cut(const Record& record, std::size_t captured) {
    for (const std::size_t word : {std::size_t{0}, std::size_t{0}, captured, record.size()})
      put32(static_cast<std::uint32_t>(word));
    bytes_.append(record.begin(), record.begin() + static_cast<std::ptrdiff_t>(captured));
    return *this;
  }
  /// The whole file ends so many bytes earlier.
  PcapFile& cut_off(std::size_t bytes) {
    bytes_.resize(bytes_.size() - bytes);
    return *this;
  }
  void write(const std::string& path) const { std::ofstream(path, std::ios::binary) << bytes_; }

 private:
  template <class T>
  void put(T value) {
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    if (swapped_) std::reverse(std::begin(raw), std::end(raw));
    bytes_.append(raw, sizeof value);
  }
  void put16(std::uint16_t value) { put(value); }
  void put32(std::uint32_t value) { put(value); }

  const bool swapped_;
  std::string bytes_;
};

}  // namespace deferd::bridge
