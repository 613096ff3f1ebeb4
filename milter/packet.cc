#include "milter/packet.h"

namespace deferd {

namespace {

constexpr std::size_t kLengthBytes = 4;

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = at; i < at + kLengthBytes; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

void add_number(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

void add_text(std::string& out, std::string_view text) { out.append(text) += '\0'; }

/// One packet of `out`, begun with its length to be filled in.
class PacketWriter {
 public:
  PacketWriter(std::string& out, char command) : out_(out), start_(out.size()) { out_.append(kLengthBytes, '\0') += command; }
  ~PacketWriter() {
    auto length = out_.size() - start_ - kLengthBytes;
    for (std::size_t i = kLengthBytes; i > 0; --i, length >>= 8) out_[start_ + i - 1] = static_cast<char>(length & 0xff);
  }
  PacketWriter(const PacketWriter&) = delete;
  PacketWriter& operator=(const PacketWriter&) = delete;

 private:
  std::string& out_;
  std::size_t start_;
};

}  // namespace

Cut cut_packet(std::string_view& bytes, Packet& packet) {
  if (bytes.size() < kLengthBytes) return Cut::incomplete;
  const std::size_t length = number_at(bytes, 0);
  if (length == 0 || length > kMaxPacket) return Cut::broken;
  if (bytes.size() - kLengthBytes < length) return Cut::incomplete;
  packet.command = static_cast<MilterCommand>(bytes[kLengthBytes]);
  packet.data = bytes.substr(kLengthBytes + 1, length - 1);
  bytes.remove_prefix(kLengthBytes + length);
  return Cut::packet;
}

std::optional<PacketTexts> PacketTexts::split(std::string_view data) {
  PacketTexts out;
  if (!data.empty() && data.back() != '\0') return std::nullopt;
  while (!data.empty() && out.count_ < out.texts_.size()) {
    const auto end = data.find('\0');
    out.texts_[out.count_++] = data.substr(0, end);
    data.remove_prefix(end + 1);
  }
  return out;
}

std::optional<ConnectData> read_connect(std::string_view data) {
  const auto end = data.find('\0');
  if (end == data.npos || end + 1 == data.size()) return std::nullopt;
  ConnectData out{data.substr(0, end), {}};
  const char family = data[end + 1];
  data.remove_prefix(end + 2);
  if (family != '4' && family != '6') return out;  // a unix socket, or unknown
  if (data.size() < 3 || data.back() != '\0') return std::nullopt;
  const auto port = static_cast<std::uint16_t>(static_cast<unsigned char>(data[0]) << 8 | static_cast<unsigned char>(data[1]));
  data.remove_prefix(2);
  out.peer = MilterPeer::of(data.substr(0, data.find('\0')), port);
  return out;
}

std::optional<MilterOffer> read_negotiate(std::string_view data) {
  if (data.size() < 3 * kLengthBytes) return std::nullopt;
  return MilterOffer{number_at(data, 0), number_at(data, kLengthBytes), number_at(data, 2 * kLengthBytes)};
}

void add_negotiate(std::string& out, const MilterOffer& wanted, std::span<const MacroWish> macros) {
  const PacketWriter packet(out, 'O');
  add_number(out, wanted.version);
  add_number(out, wanted.actions);
  add_number(out, wanted.steps);
  for (const auto& wish : macros) {
    add_number(out, wish.stage);
    add_text(out, wish.names);
  }
}

void add_header(std::string& out, std::string_view name, std::string_view value) {
  const PacketWriter packet(out, 'h');
  add_text(out, name);
  add_text(out, value);
}

void add_reply(std::string& out, const MilterReply& reply) {
  if (reply.kind == MilterReply::Kind::go_on) {
    const PacketWriter packet(out, 'c');
    return;
  }
  const PacketWriter packet(out, 'y');
  for (std::size_t i = 0; i < reply.lines.size(); ++i) {
    const bool last = i + 1 == reply.lines.size();
    out.append(std::to_string(reply.code)).append(last ? " " : "-").append(reply.enhanced).append(" ").append(reply.lines[i]);
    if (!last) out += "\r\n";
  }
  out += '\0';
}

}  // namespace deferd
