// A client and the MTA, joined: what one says the other hears, until both have ended.
#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "smtp/handover_limits.h"
#include "smtp/message_watch.h"
#include "smtp/transport.h"

namespace deferd::smtp {

/// What is joined, and what was said already. The client's side is lent until the splice has ended.
struct SpliceEnds {
  boost::asio::posix::stream_descriptor& client;  ///< Non-blocking, to wait with.
  Transport& transport;                           ///< The client's bytes.
  int mta = -1;                                   ///< Connected; the splice closes it.
  std::string to_client, to_mta;                  ///< What either is to hear first.
  std::unique_ptr<MessageWatch> watch{};          ///< Sees all that, and what follows; null: nobody does.
};

/// Used by the thread that runs `context`; lives until it ends. Memory: at most 64 KiB each way, and nothing while all is
/// delivered: nothing is read from one end as long as the other has not taken what came before.
///
/// An end that closes its side for writing may go on reading (half-close). An end that breaks takes the other with it, but what
/// the MTA said last still reaches the client.
///
/// After each message that the MTA has taken, as far as the watch can tell, it stops until resume().
class Splice : public std::enable_shared_from_this<Splice> {
 public:
  struct Total {
    std::uint64_t to_mta = 0, to_client = 0;  ///< Bytes.
    std::string_view end;                     ///< "client", "mta": who ended first; "idle"; empty: nobody yet.
  };
  struct Told {
    std::function<void(const Total&)> ended;  ///< Called once; the splice has let go of the client then.
    std::function<void(TakenMessage)> taken;  ///< The client has heard so, as far as it is up to us.
  };

  /// Nothing is called from within, and nothing but `taken` before resume() when that was called.
  static std::shared_ptr<Splice> start(boost::asio::io_context& context, SpliceEnds ends, const SpliceLimits& limits, Told told);
  void resume();
  void stop();  ///< At once; nothing is called any more.
  const Total& total() const { return total_; }

 private:
  static constexpr std::size_t kPiece = 64 * 1024;

  struct End {
    boost::asio::posix::stream_descriptor& descriptor;
    Transport& transport;
    bool awaits_read = false, awaits_write = false;
  };

  /// One direction.
  struct Way {
    End& from;
    End& to;
    std::string backlog;  // read, not yet taken by `to`
    std::uint64_t& bytes;
    std::size_t taken = 0;  // of the backlog
    bool ended = false;     // `from` says no more
    bool told = false;      // and `to` knows
    bool nowhere = false;   // `to` takes nothing any more: what comes is thrown away
  };

  /// What became of moving bytes one way as far as possible.
  enum class Next : std::uint8_t { waits, has_more, over, broken };

  Splice(boost::asio::io_context& context, SpliceEnds ends, const SpliceLimits& limits, Told told);
  void note(const Way& way, std::string_view bytes);
  void turn();
  void pump();
  Next advance(Way& way);
  Next deliver(Way& way, std::string_view& bytes);
  Next drain(Way& way);
  Next end(Way& way, Moved::State state);
  Next wait(End& end, Moved::State state);
  void watch(std::chrono::milliseconds limit);
  void finish(std::string_view why);
  void let_go();

  boost::asio::io_context& context_;
  boost::asio::posix::stream_descriptor mta_descriptor_;
  PlainTransport mta_transport_;
  End client_, mta_;
  Total total_;
  Way to_mta_, to_client_;
  const SpliceLimits limits_;
  boost::asio::steady_timer timer_;
  std::chrono::steady_clock::time_point moved_;
  std::unique_ptr<MessageWatch> messages_;
  Told told_;
  bool over_ = false, paused_ = false;
};

}  // namespace deferd::smtp
