#include "milter/milter_connection.h"

#include <algorithm>

namespace deferd {

namespace {

constexpr std::uint32_t kOldest = 2, kNewest = 6;  // versions of the protocol
constexpr std::size_t kKept = 16 * 1024;           // a buffer larger than this is given back

// Replaces the MTA's own lists: all that is read anywhere in this folder.
constexpr MacroWish kMacros[] = {
    {0, "j v _ {daemon_name} {daemon_addr} {daemon_port} {if_addr} {client_port} {client_resolve}"},
    {1, "{tls_version} {verify} {cert_subject}"},
    {2, "i {auth_authen}"},
    {3, "i {rcpt_mailer}"},
    {4, "i"},
    {5, "i"},
};

void shrink(std::string& buffer) {
  if (buffer.empty() && buffer.capacity() > kKept) std::string().swap(buffer);
}

}  // namespace

MilterConnection::MilterConnection(Switchboard& board) : board_(board), config_(board.config()) {}

MilterConnection::~MilterConnection() {
  session_.reset();
  settle();
}

MilterConnection::Next MilterConnection::take(std::string_view bytes) {
  if (!rest_.empty()) {
    rest_.append(bytes);
    return go_on();
  }
  const auto next = deal_with(bytes);
  rest_.assign(bytes);
  return next;
}

MilterConnection::Next MilterConnection::go_on() {
  std::string_view left(rest_);
  const auto next = deal_with(left);
  rest_.erase(0, rest_.size() - left.size());
  shrink(rest_);
  return next;
}

MilterConnection::Next MilterConnection::deal_with(std::string_view& bytes) {
  pace_ = {};
  for (Packet packet;;) {
    const auto cut = cut_packet(bytes, packet);
    if (cut == Cut::incomplete) return Next::read;
    if (cut == Cut::broken || !handle(packet)) return Next::hang_up;
    if (!counted_) settle();
    if (pace_.count() > 0 || out_.size() > kMaxOut) return Next::pause;
  }
}

void MilterConnection::sent() {
  out_.clear();
  shrink(out_);
  settle();
}

MilterSession& MilterConnection::session() {
  if (!session_) session_.emplace(board_.open(), config_);
  return *session_;
}

// A fault costs nobody a mail: the rest of the client's connection passes unasked.
template <class Step>
MilterReply MilterConnection::ask(const char* where, Step step) {
  try {
    return step(session());
  } catch (const std::exception& error) {
    board_.failed(where, error.what());
  } catch (...) {
    board_.failed(where, "unknown");
  }
  if (session_) session_->stop_asking();
  return {};
}

void MilterConnection::answer(const MilterReply& reply, std::uint32_t unless) {
  if ((agreed_.steps & unless) != 0) return;
  board_.answering(reply);
  add_reply(out_, reply);
  if (reply.pace.count() > 0) pace_ = std::min(reply.pace, board_.config()->max_delay);
}

// False: hang up.
bool MilterConnection::handle(const Packet& packet) {
  if (packet.command == MilterCommand::negotiate) return negotiate(packet.data);
  if (packet.command == MilterCommand::quit || agreed_.version == 0) return false;
  switch (packet.command) {
    case MilterCommand::macros:
      macros_.define(packet.data);
      return true;
    case MilterCommand::connect: {
      const auto connect = read_connect(packet.data);
      if (!connect) return false;
      session_.reset();  // without a QUIT_NC the macros for this client have come already
      answer(ask("connect", [&](auto& session) { return session.connect(connect->host, connect->peer, macros_); }),
             milter_step::nr_connect);
      return true;
    }
    case MilterCommand::helo: {
      const auto texts = PacketTexts::split(packet.data);
      if (!texts) return false;
      answer(ask("helo", [&](auto& session) { return session.helo(texts->at(0), macros_); }), milter_step::nr_helo);
      return true;
    }
    case MilterCommand::mail: {
      const auto texts = PacketTexts::split(packet.data);
      if (!texts) return false;
      answer(ask("mail", [&](auto& session) { return session.mail(texts->all(), macros_); }), milter_step::nr_mail);
      return true;
    }
    case MilterCommand::rcpt: {
      const auto texts = PacketTexts::split(packet.data);
      if (!texts) return false;
      answer(ask("rcpt", [&](auto& session) { return session.rcpt(texts->all(), macros_); }), milter_step::nr_rcpt);
      return true;
    }
    case MilterCommand::data:
      answer(ask("data", [&](auto& session) { return session.data(macros_); }), milter_step::nr_data);
      return true;
    case MilterCommand::header: {
      const auto texts = PacketTexts::split(packet.data);
      if (!texts) return false;
      answer(ask("header",
                 [&](auto& session) {
                   session.header(texts->at(0), texts->at(1));
                   return MilterReply();
                 }),
             milter_step::nr_header);
      return true;
    }
    case MilterCommand::end_of_headers:
      answer({}, milter_step::nr_end_of_headers);
      return true;
    case MilterCommand::body:
      answer({}, milter_step::nr_body);
      return true;
    case MilterCommand::unknown:
      answer({}, milter_step::nr_unknown);
      return true;
    case MilterCommand::end:
      end_of_message();
      return true;
    case MilterCommand::abort:
      ask("abort", [](auto& session) {
        session.abort();
        return MilterReply();
      });
      macros_.leave_message();
      return true;
    case MilterCommand::quit_nc:
      session_.reset();
      macros_.leave_client();
      return true;
    case MilterCommand::negotiate:
    case MilterCommand::quit:
      break;
  }
  return false;
}

void MilterConnection::end_of_message() {
  const auto reply = ask("end", [&](auto& session) {
    const auto told = session.end(macros_);
    if (const auto& delay = session.delay_header(); !delay.empty() && (agreed_.actions & milter_action::add_headers) != 0)
      add_header(out_, config_->header, delay);
    return told;
  });
  answer(reply);
  board_.message_ended(reply);
  macros_.leave_message();
}

bool MilterConnection::negotiate(std::string_view data) {
  const auto offer = read_negotiate(data);
  if (!offer || offer->version < kOldest || agreed_.version != 0) return false;
  std::uint32_t actions = milter_action::set_macro_list;
  if (!config_->header.empty()) actions |= milter_action::add_headers;
  agreed_ = {std::min(offer->version, kNewest), offer->actions & actions, offer->steps & unwanted_steps()};
  const bool lists = (agreed_.actions & milter_action::set_macro_list) != 0;
  add_negotiate(out_, agreed_, lists ? std::span<const MacroWish>(kMacros) : std::span<const MacroWish>());
  return true;
}

std::uint32_t MilterConnection::unwanted_steps() noexcept {
  using namespace milter_step;
  std::uint32_t unwanted = no_body | no_end_of_headers | no_unknown | nr_header;
  if (config_->voice != Voice::connect) unwanted |= nr_connect | nr_helo | nr_mail;
  try {
    const auto hooks = board_.hooks();
    if ((hooks & hook::headers) == 0) unwanted |= no_headers;
    if ((hooks & hook::data) == 0 && config_->voice != Voice::data) unwanted |= no_data;
  } catch (...) {
    board_.failed("negotiate", "cannot tell what the plugins want");
  }
  return unwanted;
}

void MilterConnection::settle() {
  const bool busy = session_ && session_->busy();
  if (counted_ != busy) board_.in_progress(busy ? 1 : -1);
  counted_ = busy;
}

}  // namespace deferd
