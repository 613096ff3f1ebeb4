#include "milter/milter_session.h"

#include <charconv>
#include <cstdio>

namespace deferd {

namespace {

constexpr std::size_t kMaxText = 256;  // HELO, user names, ESMTP parameters, macros
constexpr std::size_t kMaxParameters = 20;
constexpr std::size_t kMaxHeaders = 500;
constexpr std::size_t kMaxHeaderBytes = 128 * 1024;

std::uint16_t number(std::string_view text) {
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

// RFC 5322 section 2.2.3.
std::string unfolded(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  for (const char c : value)
    if (c != '\r' && c != '\n') out += c;
  return out;
}

bool is_host(std::string_view text) {
  for (const char c : text)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'))
      return false;
  return !text.empty();
}

}  // namespace

MilterSession::MilterSession(const OpenDialogue& open, std::shared_ptr<const MilterConfig> config)
    : open_(open), config_(std::move(config)) {
  early_.front_end = "milter";
}

Session& MilterSession::session() { return dialogue_ ? dialogue_->session() : early_; }

MilterReply MilterSession::connect(std::string_view host, const MilterPeer& peer, const Macros& macros) {
  foreign_ = peer.address.has_value();
  if (!foreign_) return {};
  early_.client = *peer.address;
  early_.client_port = peer.port != 0 ? peer.port : number(macros.get("{client_port}"));
  early_.client_name = verified_name(host, macros);
  early_.listener = bounded(macros.get("{daemon_name}"), kMaxText);
  auto local = macro_address(macros.get("{daemon_addr}"));
  if (!local) local = macro_address(macros.get("{if_addr}"));
  if (local) early_.local = *local;
  early_.local_port = number(macros.get("{daemon_port}"));
  mta_ = bounded(macros.get("j"), kMaxText);
  if (config_->voice != Voice::connect) return {};
  dialogue_ = open_(std::move(early_), config_->voice);
  return MilterReply::of(dialogue_->connect());
}

MilterReply MilterSession::helo(std::string_view name, const Macros& macros) {
  if (!foreign_) return {};
  learn(macros);
  auto helo = bounded(name, kMaxText);
  const bool changed = session().helo != helo;
  session().helo = std::move(helo);
  // Once plugins have judged a HELO, another one is theirs to judge; it counts from the next message on.
  if (!dialogue_ || !changed) return {};
  const auto& decision = dialogue_->helo();
  return config_->voice == Voice::connect ? MilterReply::of(decision) : MilterReply{};
}

void MilterSession::learn(const Macros& macros) {
  auto& known = session();
  known.tls = !macros.get("{tls_version}").empty();
  known.tls_subject = known.tls ? verified_subject(macros) : std::string();
}

void MilterSession::learn_queue_id(const Macros& macros) {
  const auto id = macros.get("i");
  if (!id.empty() && session().queue_id != id) session().queue_id = bounded(id, kMaxText);
}

MilterReply MilterSession::mail(std::span<const std::string_view> arguments, const Macros& macros) {
  leave_message();
  in_message_ = true;
  if (!foreign_) return {};
  learn(macros);
  session().auth = bounded(macros.get("{auth_authen}"), kMaxText);
  learn_queue_id(macros);
  auto& parameters = session().mail_parameters;
  for (std::size_t i = 1; i < arguments.size() && parameters.size() < kMaxParameters; ++i)
    parameters.push_back(bounded(arguments[i], kMaxText));
  if (!dialogue_) dialogue_ = open_(std::move(early_), config_->voice);
  const auto& decision = dialogue_->mail(arguments.empty() ? std::string() : envelope_address(arguments[0]));
  return config_->voice == Voice::connect ? MilterReply::of(decision) : MilterReply{};
}

MilterReply MilterSession::rcpt(std::span<const std::string_view> arguments, const Macros& macros) {
  if (!foreign_ || !in_message_ || arguments.empty()) return {};
  if (macros.get("{rcpt_mailer}") == "error") return {};  // the MTA has refused it already
  learn_queue_id(macros);
  const auto& decision = dialogue_->rcpt(envelope_address(arguments[0]));
  ++asked_;
  if (!decision.voiced && !decision.lets_through()) untold_refusal_ = true;
  auto reply = decision.voiced ? MilterReply::of(decision) : MilterReply{};
  if (reply.kind == MilterReply::Kind::go_on) ++let_in_;
  return reply;
}

MilterReply MilterSession::data(const Macros& macros) {
  if (!foreign_ || !in_message_ || told_) return {};
  learn_queue_id(macros);
  told_ = true;
  if (!untold_refusal_ && (dialogue_->hooks() & hook::data) == 0) return {};
  auto reply = MilterReply::of(dialogue_->data());
  if (reply.kind != MilterReply::Kind::go_on) leave_message();
  return reply;
}

void MilterSession::header(std::string_view name, std::string_view value) {
  if (!foreign_ || !in_message_) return;
  auto& headers = session().headers;
  header_bytes_ += name.size() + value.size();
  if (headers.size() < kMaxHeaders && header_bytes_ <= kMaxHeaderBytes) headers.emplace_back(name, unfolded(value));
}

MilterReply MilterSession::ask_headers() {
  // Without any, the MTA was told at the connection's start not to pass them on: nobody wanted them then.
  if ((dialogue_->hooks() & hook::headers) == 0 || session().headers.empty()) return {};
  return MilterReply::of(dialogue_->headers());
}

MilterReply MilterSession::end(const Macros& macros) {
  delay_header_.clear();
  if (!foreign_ || !in_message_) {
    in_message_ = false;
    return {};
  }
  auto reply = data(macros);  // an MTA of an older protocol passes on no DATA
  if (reply.kind == MilterReply::Kind::go_on) {
    learn_queue_id(macros);
    reply = ask_headers();
  }
  if (reply.kind == MilterReply::Kind::go_on) {
    const auto waited = dialogue_->accepted().count();
    if (waited > 0 && !config_->header.empty()) {
      char clock[48];
      std::snprintf(clock, sizeof clock, "%02lld:%02lld:%02lld", static_cast<long long>(waited / 3600),
                    static_cast<long long>(waited / 60 % 60), static_cast<long long>(waited % 60));
      delay_header_ = std::string("delayed ") + clock + " by deferd" + (is_host(mta_) ? " at " + mta_ : "");
    }
  }
  leave_message();
  return reply;
}

void MilterSession::abort() { leave_message(); }

void MilterSession::stop_asking() noexcept {
  foreign_ = false;
  dialogue_.reset();
}

void MilterSession::leave_message() {
  if (in_message_ && dialogue_) dialogue_->reset();
  in_message_ = told_ = untold_refusal_ = false;
  asked_ = let_in_ = 0;
  header_bytes_ = 0;
  session().queue_id.clear();
  session().mail_parameters.clear();
  session().headers.clear();
}

}  // namespace deferd
