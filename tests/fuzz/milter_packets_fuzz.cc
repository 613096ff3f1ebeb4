// Whatever an MTA sends, and however it is cut into pieces, the milter answers the same, in whole packets, and in bounded pieces.
#include "milter/milter_connection.h"
#include "milter/scripted_dialogue.h"
#include "require.h"

using namespace deferd;

namespace {

struct Silent : Log {
  bool enabled(Level) const override { return false; }
  void write(Level, std::string_view, std::span<const Field>) override {}
};

/// What all milter connections of this program share.
struct Milter {
  Milter() { script.hooks = hook::data | hook::headers; }
  Script script;
  Silent log;
  Metrics metrics;
  Switchboard board{{},
                    [this](Session session, Voice) { return std::make_unique<ScriptedDialogue>(script, std::move(session)); },
                    [this] { return script.hooks; },
                    log,
                    metrics};
};

std::string answers(Milter& milter, std::string_view bytes, std::size_t piece) {
  using Next = MilterConnection::Next;
  MilterConnection connection(milter.board);
  std::string all;
  for (bool open = true; open && !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    auto next = connection.take(bytes.substr(0, piece));
    for (;; next = connection.go_on()) {
      REQUIRE(connection.out().size() < 2 * MilterConnection::kMaxOut);
      all += connection.out();
      connection.sent();
      if (next != Next::pause) break;
    }
    open = next == Next::read;
  }
  milter.script.take();
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Milter milter;
  if (size == 0) return 0;
  std::string bytes;
  if ((data[0] & 1) != 0)  // past what only luck would find
    bytes.assign(
        "\0\0\0\x0dO\0\0\0\6\0\0\1\xff\0\x1f\xff\xff\0\0\0\x10"
        "Cx\0004\0\x19"
        "192.0.2.7\0",
        37);
  bytes.append(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = answers(milter, bytes, bytes.size());
  REQUIRE(answers(milter, bytes, static_cast<std::size_t>(data[0]) / 2 + 1) == whole);
  std::string_view left(whole);
  for (Packet packet; !left.empty();) REQUIRE(cut_packet(left, packet) == Cut::packet);
  REQUIRE(milter.board.wait_until_idle({}));
  return 0;
}
