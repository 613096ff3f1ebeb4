// One client's connection: its bytes become lines for the session, the session's replies become bytes at the session's pace.
//
// A plain object that lives in one I/O thread; between two events it is nothing but its fields. It waits for one thing at a time:
// its socket, its place in the timer wheel, or an answer from a thread that may block. While a reply is thought about or sent,
// nothing is read, so that what a client says out of turn fills its socket's buffer and no memory of ours.
//
// In three parts: its life from one state to the next (connection.cc), what it hears (connection_reading.cc), what it says
// (connection_reply.cc).
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "smtp/line_reader.h"
#include "smtp/smtp_session.h"
#include "smtp/timer_wheel.h"
#include "smtp/tls.h"
#include "smtp/transport.h"

namespace deferd::smtp {

class Connection;

/// What a connection needs of the thread it lives in.
class ConnectionOwner {
 public:
  virtual SteadyTime now() const = 0;
  virtual TimerWheel& wheel() = 0;
  /// ready() is called, not from within, when that comes true. It may also be called without need.
  enum class Until : std::uint8_t {
    readable,   ///< There is more than when a read gave less than was asked for.
    writable,   ///< There is room again after a write found none. May be told late, or not at all: try again, too.
    next_turn,  ///< Others had their turn.
  };
  virtual void wait(Connection& connection, Until until) = 0;
  /// Has session().answer() called where it may block, then answered(), not from within.
  virtual void think(Connection& connection) = 0;
  /// Now it is known who the client is. Null: it was refused (and told so).
  virtual std::unique_ptr<SmtpSession> open(Connection& connection, Session&& known) = 0;
  /// The client is turned away and kept busy from now on.
  virtual void holding(Connection& connection) = 0;
  /// Null: no TLS at present.
  virtual std::shared_ptr<TlsContext> start_tls(Connection& connection) = 0;
  /// Has the MTA follow session().mta_order(); then one of mta_answered(), mta_failed(), mta_over(), not from within.
  virtual void hand_over(Connection& connection) = 0;
  virtual void leave_mta(Connection& connection) = 0;  ///< It has answered, and is not needed any more.
  /// One connection more (or less: -1) waits before it is told something. It waits for nothing else meanwhile.
  virtual void slowed(Connection& connection, int change) = 0;
  virtual void stuttered(std::size_t bytes) = 0;
  /// Nothing will be called any more. Neither it nor its descriptor may go within this call.
  virtual void over(Connection& connection) = 0;

 protected:
  virtual ~ConnectionOwner() = default;
};

class Connection : public Timed {
 public:
  /// `descriptor` is non-blocking and outlives the connection.
  Connection(ConnectionOwner& owner, int descriptor, std::shared_ptr<const SmtpConfig> config);
  ~Connection();

  /// `known` is what the socket tells. `proxied`: the real client is in a PROXY header, which comes first.
  void start(Session&& known, bool proxied);

  /// The socket may be readable or writable. `ended`: the peer has said its last word, or it is broken; reading goes on to the
  /// end.
  void ready(bool ended = false);
  void due();  ///< Its time in the wheel has come.
  void answered(Step step);
  void mta_answered(MtaAnswer answer);
  void mta_failed();
  void mta_over();
  void give_up() { close(); }  ///< Whatever it does: it cannot be waited for.

  /// What is left of its reply and then `farewell` (unless the reply was a farewell), at full speed and without waiting for the
  /// client; then it is over. While an answer is thought about, after that.
  void finish(std::string_view farewell);

  enum class State : std::uint8_t {
    header,       ///< A PROXY header is awaited.
    reading,      ///< A line is.
    thinking,     ///< An answer is.
    delayed,      ///< A reply waits for its time.
    stuttering,   ///< A reply is sent byte by byte.
    sending,      ///< A reply is sent.
    handshake,    ///< TLS.
    handed_over,  ///< The MTA is to answer, or it belongs to it.
    lingering,    ///< All was said; what the client still sends is thrown away, so that it can read our last words.
    over,
  };
  State state() const { return state_; }
  SmtpSession* session() const { return session_.get(); }  ///< Null before open().
  std::unique_ptr<SmtpSession> take_session() { return std::move(session_); }
  const SmtpConfig& config() const { return *config_; }
  SteadyTime began() const { return began_; }
  SteadyTime session_end() const;  ///< It is not to last longer.
  Transport& transport() { return encrypted_ ? static_cast<Transport&>(*tls_) : plain_; }
  int descriptor() const { return plain_.descriptor(); }
  std::string_view unread() const { return reader_.pending(); }

 private:
  using Until = ConnectionOwner::Until;
  static constexpr std::size_t kPiece = 8192;        // one read
  static constexpr std::size_t kTurn = 16 * kPiece;  // then others have their turn

  void become(State state);
  void go_on();                                                      // as far as possible without waiting
  void wait(const Moved& moved);                                     // until what kept it from moving is over
  void wait_to_move(const Moved& moved, std::chrono::seconds most);  // likewise, so long since something was said; or it is over
  void limit(std::chrono::seconds time);                             // how long the present state may last

  bool read(std::size_t& budget);  // some bytes into the reader; false: wait, or it is over
  bool read_header(std::size_t& budget);
  bool read_line(std::size_t& budget);
  bool shake_hands();
  bool send();
  bool discard();

  void open(Session&& known);
  void take(Step step, bool decided);
  void begin_reply(bool decided);
  void stutter();
  void reply_is_out();
  void hand_over();
  void begin_tls();
  void end_tls();
  bool stutters(SteadyTime now) const;
  bool spoke_early();
  std::chrono::seconds patience() const;
  static std::string timed_out();  // to say before it is hung up
  void hang_up();
  void close();

  ConnectionOwner& owner_;
  const std::shared_ptr<const SmtpConfig> config_;
  std::unique_ptr<SmtpSession> session_;
  std::unique_ptr<Session> known_;  // until there is a session
  PlainTransport plain_;
  std::unique_ptr<TlsTransport> tls_;  // from our 220 to STARTTLS
  LineReader reader_;
  std::string reply_;  // while finishing_ and thinking, what follows the answer
  const SteadyTime began_;
  SteadyTime progress_;     // of the reply that is being sent; the handshake's beginning
  std::uint32_t sent_ = 0;  // of reply_
  State state_ = State::header;
  Step::Then then_ = Step::Then::go_on;
  bool readable_ : 1 = true;  // nothing tells that there is nothing to read
  bool ended_ : 1 = false;    // nothing will tell once more that there is something to read
  bool greeted_ : 1 = false;
  bool encrypted_ : 1 = false;  // what is said from now on goes through tls_
  bool held_ : 1 = false;
  bool finishing_ : 1 = false;
  bool at_mta_ : 1 = false;  // the owner knows it there
  bool cut_ : 1 = false;     // it is still sending a message that nobody takes
  bool joined_ : 1 = false;  // it is the MTA's, also while plugins are told of a message
};

}  // namespace deferd::smtp
