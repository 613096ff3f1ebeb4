// One connection from the MTA: the milter protocol between bytes and MilterSessions. No socket inside.
#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "milter/packet.h"
#include "milter/stage_macros.h"
#include "milter/switchboard.h"

namespace deferd {

/// Commands may come in any order once the negotiation is over: MilterSession has an answer to each. Only what is no packet of
/// the protocol, or cut short, ends the connection; the MTA then does what it is told to do without a milter.
///
/// Used by one thread at a time. Calls block as long as plugins think; they do not throw, but for lack of memory.
class MilterConnection {
 public:
  /// Follows the configuration that holds now: what is negotiated is negotiated once. `board` outlives the connection.
  explicit MilterConnection(Switchboard& board);
  ~MilterConnection();  ///< Tells plugins of the client's end.
  MilterConnection(const MilterConnection&) = delete;
  MilterConnection& operator=(const MilterConnection&) = delete;

  enum class Next : std::uint8_t {
    read,     ///< Everything received is dealt with; more may come.
    pause,    ///< Wait for pace(), send out(), then call go_on(): there may be more to deal with.
    hang_up,  ///< Send out(), then close.
  };

  /// Deals with what was received. Answers are added to out(), which grows to no more than kMaxOut and one packet's answer before
  /// there is a pause.
  Next take(std::string_view bytes);
  Next go_on();

  const std::string& out() const { return out_; }
  /// All of out(), which is empty now, is on its way: only then is a message over.
  void sent();
  /// How long plugins wish the last answer in out() to wait; not above `max_delay`.
  std::chrono::milliseconds pace() const { return pace_; }

  static constexpr std::size_t kMaxOut = 64 * 1024;

 private:
  Next deal_with(std::string_view& bytes);
  bool handle(const Packet& packet);
  bool negotiate(std::string_view data);
  std::uint32_t unwanted_steps() noexcept;
  void end_of_message();
  void answer(const MilterReply& reply, std::uint32_t unless = 0);
  template <class Step>
  MilterReply ask(const char* where, Step step);
  MilterSession& session();
  void settle();

  Switchboard& board_;
  const std::shared_ptr<const MilterConfig> config_;
  StageMacros macros_;
  std::optional<MilterSession> session_;
  MilterOffer agreed_;    // version 0: not yet
  bool counted_ = false;  // as a message in progress
  std::string rest_;      // of what was received: the beginning of a packet, or what a pause left
  std::string out_;
  std::chrono::milliseconds pace_{};
};

}  // namespace deferd
