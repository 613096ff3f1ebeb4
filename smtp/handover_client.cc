#include "smtp/handover_client.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "smtp/mta_reply.h"
#include "smtp/reply.h"

namespace deferd::smtp {

namespace {

constexpr int kLeaves = 421;  // RFC 5321 section 3.8

MtaScript script_of(const HandoverOffer& offer, const HandoverTarget& target) {
  MtaScript script;
  script.with = target.with;
  script.our_name = target.our_name;
  script.client = offer.session.client;
  script.client_port = offer.session.client_port;
  script.client_name = offer.session.client_name;
  script.local = offer.session.local;
  script.local_port = offer.session.local_port;
  script.envelope = offer.order.words;
  return script;
}

}  // namespace

HandoverClient::HandoverClient(HandoverBooks& books, const MtaPatience& patience, const SpliceLimits& limits,
                               const HandoverTarget& target, HandoverOffer offer, std::function<void()> doubt)
    : books_(books),
      patience_(patience),
      limits_(limits),
      offer_(std::move(offer)),
      doubt_(std::move(doubt)),
      client_(offer_.session.client),
      words_(offer_.order.words),
      joins_(offer_.order.what == MtaOrder::What::join),
      place_(books, client_, !joins_, target.most_led) {
  if (!target.why_not.empty())
    fail_later(target.why_not);
  else if (place_.refused())
    fail_later("too many clients are led already");
  else
    call_ = MtaCall::start(offer_.context, target.address, script_of(offer_, target), patience_,
                           [this](const MtaResult& result, MtaCall::Socket socket) { called(result, std::move(socket)); });
}

HandoverClient::~HandoverClient() {
  if (call_) call_->cancel();
  if (splice_) {
    splice_->stop();
    note_end("stopped");
  }
  const bool in_message = relay_ != nullptr;
  if (relay_) relay_->stop();
  if (talk_) talk_->end(!in_message);
}

void HandoverClient::fail_later(std::string why) {
  boost::asio::post(offer_.context, [this, here = std::weak_ptr<int>(here_), why = std::move(why)] {
    if (here.expired()) return;
    books_.unavailable(client_, why);
    fail();
  });
}

void HandoverClient::called(const MtaResult& result, MtaCall::Socket socket) {
  call_.reset();
  books_.recipient(client_, result);
  if (!result.answered()) {
    const bool of_the_sender = result.outcome == MtaResult::Outcome::refused && result.stage == MtaStage::mail;
    if (!of_the_sender) doubt_();
    return fail();
  }
  if (joins_) return join(result, std::move(socket));
  extensions_ = result.extensions;
  const auto reply = first_reply(result.reply);
  // Of a sender that it refused it has no transaction; who says more than one reply answers something else than we think.
  const bool last = result.stage != MtaStage::rcpt || reply.code == kLeaves || reply.size != result.reply.size();
  talk_ = std::make_shared<MtaTalk>(std::move(socket));
  answer({.code = result.code, .reply = result.reply.substr(0, reply.size), .last = last});
}

void HandoverClient::join(const MtaResult& result, MtaCall::Socket socket) {
  began_ = std::chrono::steady_clock::now();
  SpliceEnds ends{offer_.socket, offer_.transport,           socket.release(),
                  result.reply,  std::string(offer_.unread), std::make_unique<MessageWatch>(words_)};
  splice_ = Splice::start(offer_.context, std::move(ends), limits_,
                          {[this](const Splice::Total& total) {
                             note_end(total.end);
                             splice_.reset();
                             end();
                           },
                           [this](TakenMessage message) { answer({.taken = std::move(message)}); }});
}

void HandoverClient::note_end(std::string_view why) {
  const auto& total = splice_->total();
  books_.ended(client_, std::chrono::steady_clock::now() - began_, total.to_mta, total.to_client, why);
}

void HandoverClient::go_on(const MtaOrder& order, boost::asio::posix::stream_descriptor& socket, std::string_view unread) {
  switch (order.what) {
    case MtaOrder::What::join:
      return splice_->resume();
    case MtaOrder::What::rcpt:
      return ask(recipient_line(order.words.rcpt, extensions_), &HandoverClient::recipient_answered);
    case MtaOrder::What::data:
      return ask("DATA\r\n", &HandoverClient::data_answered);
    case MtaOrder::What::message:
      return carry(socket, unread);
    case MtaOrder::What::open:
      return fail_later("it was opened already");
  }
}

void HandoverClient::ask(std::string line, void (HandoverClient::*answered)(int, std::string)) {
  talk_->ask(std::move(line), patience_.rcpt,
             [this, answered](int code, std::string reply) { (this->*answered)(code, std::move(reply)); });
}

void HandoverClient::recipient_answered(int code, std::string reply) {
  if (code / 100 != 2 && code / 100 != 4 && code / 100 != 5) {
    books_.unavailable(client_, "no proper reply at RCPT");
    return fail();
  }
  books_.recipient(client_, code, reply);
  answer({.code = code, .reply = std::move(reply), .last = code == kLeaves});
}

void HandoverClient::data_answered(int code, std::string reply) {
  if (code != 354 && code / 100 != 4 && code / 100 != 5) {
    books_.message(client_, "no proper reply at DATA", 0);
    return fail();
  }
  if (code != 354) books_.message(client_, reply, 0);
  answer({.code = code, .reply = std::move(reply), .last = code != 354});
}

void HandoverClient::carry(boost::asio::posix::stream_descriptor& socket, std::string_view unread) {
  relay_ = MessageRelay::start(offer_.context, socket, offer_.transport, unread, talk_->socket(), {limits_.idle, offer_.end},
                               [this](const MessageRelay::Result& result) { carried(result); });
}

void HandoverClient::carried(const MessageRelay::Result& result) {
  using How = MessageRelay::Result::How;
  switch (result.how) {
    case How::answered:
      relay_.reset();  // so that the MTA hears QUIT
      books_.message(client_, result.reply, result.bytes);
      return answer({.code = result.code, .reply = result.reply, .last = true, .unread = result.unread});
    case How::early:
      books_.message(client_, result.reply, result.bytes);
      return answer({.code = result.code, .reply = result.reply, .last = true, .cut = true});
    case How::doubtful:
      books_.message(client_, "not told: its end is in doubt", result.bytes);
      return answer({.code = 554,
                     .reply = format_reply(554, "5.6.0", "A line that is only a dot must end, like the one before, with CR LF"),
                     .last = true,
                     .cut = true});
    case How::too_slow:
      books_.message(client_, "none: the client has taken too long", result.bytes);
      return answer({.code = 421, .reply = format_reply(421, "4.4.2", "Timeout"), .last = true, .cut = true});
    case How::mta_gone:
      books_.message(client_, "none: it hung up, or kept us waiting", result.bytes);
      return fail();
    case How::unanswered:  // so the client shall not know more than we do
      books_.message(client_, "none: it hung up, or kept us waiting, after the end", result.bytes);
      return end();
    case How::client_gone:
      books_.message(client_, "none: the client has left", result.bytes);
      return end();
  }
}

void HandoverClient::answer(MtaAnswer answer) { offer_.answered(std::move(answer)); }

void HandoverClient::fail() {
  const auto failed = std::move(offer_.failed);
  failed();  // may destroy us
}

void HandoverClient::end() {
  const auto over = std::move(offer_.over);
  over();  // may destroy us
}

}  // namespace deferd::smtp
