// One client's way to the MTA, on the client's I/O thread: a call that says who it is, then either a splice or a talk.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "smtp/handover_books.h"
#include "smtp/handover_limits.h"
#include "smtp/handover_offer.h"
#include "smtp/message_relay.h"
#include "smtp/mta_call.h"
#include "smtp/mta_talk.h"
#include "smtp/smtp_address.h"
#include "smtp/splice.h"

namespace deferd::smtp {

/// The MTA as it is when a client comes.
struct HandoverTarget {
  SmtpAddress address{};
  HandoverConfig::With with = HandoverConfig::With::proxy_v2;
  std::string our_name{};
  std::string why_not{};  ///< Nobody can be handed over; empty: it is ready.
  int most_led = 0;       ///< HandoverConfig::led
};

class HandoverClient final : public Handover {
 public:
  /// `doubt` is called if the MTA does not do what is expected. Books and `doubt` outlive it.
  HandoverClient(HandoverBooks& books, const MtaPatience& patience, const SpliceLimits& limits, const HandoverTarget& target,
                 HandoverOffer offer, std::function<void()> doubt);
  ~HandoverClient() override;

  void go_on(const MtaOrder& order, boost::asio::posix::stream_descriptor& socket, std::string_view unread) override;

 private:
  void fail_later(std::string why);
  void called(const MtaResult& result, MtaCall::Socket socket);
  void join(const MtaResult& result, MtaCall::Socket socket);
  void ask(std::string line, void (HandoverClient::*answered)(int, std::string));
  void recipient_answered(int code, std::string reply);
  void data_answered(int code, std::string reply);
  void carry(boost::asio::posix::stream_descriptor& socket, std::string_view unread);
  void carried(const MessageRelay::Result& result);
  void answer(MtaAnswer answer);
  void fail();
  void end();
  void note_end(std::string_view why);

  HandoverBooks& books_;
  const MtaPatience patience_;
  const SpliceLimits limits_;
  HandoverOffer offer_;
  const std::function<void()> doubt_;
  const Address client_;
  const HandoverEnvelope words_;
  const bool joins_;
  const HandoverPlace place_;
  const std::shared_ptr<int> here_ = std::make_shared<int>();
  std::vector<std::string> extensions_;  // of the MTA
  std::shared_ptr<MtaCall> call_;
  std::shared_ptr<Splice> splice_;
  std::shared_ptr<MtaTalk> talk_;
  std::shared_ptr<MessageRelay> relay_;
  std::chrono::steady_clock::time_point began_;
};

}  // namespace deferd::smtp
