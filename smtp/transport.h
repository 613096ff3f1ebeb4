// The bytes of one connection, plain or inside TLS. Non-blocking; used by the I/O thread that owns the socket.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace deferd::smtp {

/// What came of a read, a write or a handshake.
struct Moved {
  enum class State : std::uint8_t {
    ok,          ///< `bytes` were moved (at least one; a handshake: done).
    wait_read,   ///< Try again when the socket is readable.
    wait_write,  ///< Try again when it is writable (also a read inside TLS may have to write).
    closed,      ///< The peer has ended; a read after everything was read.
    failed,      ///< Reset, or broken TLS.
  };
  State state = State::ok;
  std::size_t bytes = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  virtual Moved read(std::span<char> into) = 0;
  virtual Moved write(std::string_view bytes) = 0;
  /// write() of what is followed by nothing but the end: it may wait for that, to go in one packet. shutdown(2) must come at
  /// once; close(2) alone drops it if something is unread.
  virtual Moved write_last(std::string_view bytes) { return write(bytes); }
  virtual bool encrypted() const = 0;
  /// Tells the peer that we say no more, if the encryption has a word for it (TLS: close_notify); then shut down the descriptor.
  virtual void say_end() {}
};

/// recv(2) and send(2) on a descriptor it does not own.
class PlainTransport : public Transport {
 public:
  explicit PlainTransport(int descriptor) : descriptor_(descriptor) {}
  Moved read(std::span<char> into) override;
  Moved write(std::string_view bytes) override;
  Moved write_last(std::string_view bytes) override;
  bool encrypted() const override { return false; }
  int descriptor() const { return descriptor_; }

 private:
  Moved send(std::string_view bytes, int flags);

  int descriptor_;
};

}  // namespace deferd::smtp
