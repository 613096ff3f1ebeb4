// The frames between deferd and its helper: ../protocol.md. Both sides distrust each other: every length is checked, nothing is
// read beyond a frame, and nothing grows beyond one frame.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pfbridge/helper/entry.h"

namespace deferd::bridge {

inline constexpr std::uint16_t kVersion = 1;
inline constexpr std::size_t kMaxFrame = 262'144;   ///< Without its length field.
inline constexpr std::size_t kMaxEntries = 10'000;  ///< In a frame: all of IPv6 fit.
inline constexpr std::size_t kMaxTables = 32;

struct Hello {
  std::uint16_t version = kVersion;
  std::vector<std::string> tables;  ///< Empty from deferd.
  bool operator==(const Hello&) const = default;
};
struct Add {
  std::uint8_t table = 0;
  std::vector<Row> rows;
  bool operator==(const Add&) const = default;
};
struct Remove {
  std::uint8_t table = 0;
  std::vector<Entry> entries;
  bool operator==(const Remove&) const = default;
};
struct Read {
  std::uint8_t table = 0;
  bool operator==(const Read&) const = default;
};
struct Whereto {
  Endpoint client, own;
  bool operator==(const Whereto&) const = default;
};
struct Alive {
  bool operator==(const Alive&) const = default;
};
struct Done {
  std::string error;  ///< Empty: done.
  std::uint32_t changed = 0;
  bool operator==(const Done&) const = default;
};
struct Entries {
  std::vector<Entry> entries;
  bool operator==(const Entries&) const = default;
};
struct Destination {
  std::optional<Endpoint> found;
  bool operator==(const Destination&) const = default;
};
struct Passed {
  bool inbound = true;
  Entry host;
  std::string interface;
  bool operator==(const Passed&) const = default;
};

using Message = std::variant<Hello, Add, Remove, Read, Whereto, Alive, Done, Entries, Destination, Passed>;

struct Frame {
  std::uint32_t id = 0;
  Message message;
};

/// Appends a frame to `out`. At most kMaxEntries entries and kMaxTables tables; texts are cut at 255 bytes.
void write_frame(std::string& out, std::uint32_t id, const Message& message);

/// Cuts a stream into frames.
class FrameReader {
 public:
  /// Takes bytes as they come.
  void add(std::string_view bytes) { buffer_.append(bytes); }

  /// The next whole frame; nullopt: more bytes are needed, or broken().
  std::optional<Frame> next();

  /// What came is no frame of this protocol: end the connection. Stays so.
  bool broken() const { return broken_; }

 private:
  std::string buffer_;
  std::size_t at_ = 0;
  bool broken_ = false;
};

}  // namespace deferd::bridge
