// The milter protocol on the wire, versions 2 to 6: packets of a length (4 bytes, big-endian), a command and its data. Pure:
// bytes in, bytes out. What the numbers are is in libmilter/mfdef.h; Sendmail and Postfix agree with it.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "milter/envelope.h"
#include "milter/milter_reply.h"

namespace deferd {

/// What MTAs say (SMFIC_).
enum class MilterCommand : char {
  abort = 'A',
  body = 'B',
  connect = 'C',
  macros = 'D',
  end = 'E',
  helo = 'H',
  quit_nc = 'K',  ///< This client is done; another one's connect may follow.
  header = 'L',
  mail = 'M',
  end_of_headers = 'N',
  negotiate = 'O',
  quit = 'Q',
  rcpt = 'R',
  data = 'T',
  unknown = 'U',
};

/// Bits of MilterOffer::steps (SMFIP_): what the MTA shall not pass on, and what it shall not wait for an answer to.
namespace milter_step {
inline constexpr std::uint32_t no_body = 0x10, no_headers = 0x20, no_end_of_headers = 0x40, no_unknown = 0x100, no_data = 0x200;
inline constexpr std::uint32_t nr_header = 0x80, nr_connect = 0x1000, nr_helo = 0x2000, nr_mail = 0x4000, nr_rcpt = 0x8000,
                               nr_data = 0x10000, nr_unknown = 0x20000, nr_end_of_headers = 0x40000, nr_body = 0x80000;
}  // namespace milter_step

/// Bits of MilterOffer::actions (SMFIF_).
namespace milter_action {
inline constexpr std::uint32_t add_headers = 0x1, set_macro_list = 0x100;
}  // namespace milter_action

/// What one side of a negotiation offers or wants.
struct MilterOffer {
  std::uint32_t version = 0;
  std::uint32_t actions = 0;
  std::uint32_t steps = 0;
};

/// The macros wanted at a stage (SMFIM_ number): names with a space between them.
struct MacroWish {
  std::uint32_t stage;
  std::string_view names;
};

struct Packet {
  MilterCommand command{};  ///< Any byte: no promise that it is one of those above.
  std::string_view data;
};

/// More than any MTA sends (64 KiB, or 1 MiB less a byte where that was negotiated); nothing longer is waited for.
inline constexpr std::size_t kMaxPacket = std::size_t{1} << 20;

enum class Cut : std::uint8_t { packet, incomplete, broken };
/// Takes the first packet off `bytes`; unless there is a whole one, `bytes` stays. Broken: a length no packet has.
Cut cut_packet(std::string_view& bytes, Packet& packet);

/// Texts with a NUL byte after each; the first 32.
class PacketTexts {
 public:
  /// Nullopt: the last has no end.
  static std::optional<PacketTexts> split(std::string_view data);
  std::span<const std::string_view> all() const { return {texts_.data(), count_}; }
  std::string_view at(std::size_t i) const { return i < count_ ? texts_[i] : std::string_view(); }  ///< Empty if there is none.

 private:
  std::array<std::string_view, 32> texts_;
  std::size_t count_ = 0;
};

struct ConnectData {
  std::string_view host;
  MilterPeer peer;
};
std::optional<ConnectData> read_connect(std::string_view data);    ///< Nullopt: cut short.
std::optional<MilterOffer> read_negotiate(std::string_view data);  ///< Nullopt: cut short.

// Each adds one packet to `out`.
void add_negotiate(std::string& out, const MilterOffer& wanted, std::span<const MacroWish> macros);
void add_header(std::string& out, std::string_view name, std::string_view value);
/// "Go on" or an SMTP reply; every line of one has code and enhanced code.
void add_reply(std::string& out, const MilterReply& reply);

}  // namespace deferd
