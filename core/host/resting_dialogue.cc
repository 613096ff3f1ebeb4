#include "host/resting_dialogue.h"

namespace deferd {

namespace {

/// The texts of a session that outlive a transaction, in one allocation. None has a line feed: front ends have them from lines.
std::string pack(const Session& session, const std::vector<std::string>& tags) {
  std::string out;
  const auto add = [&out](const std::string& text) { out.append(text, 0, text.find('\n')).push_back('\n'); };
  for (const auto* text :
       {&session.client_name, &session.front_end, &session.listener, &session.helo, &session.tls_subject, &session.auth})
    add(*text);
  for (const auto& tag : tags) add(tag);
  out.shrink_to_fit();
  return out;
}

void unpack(std::string_view packed, Session& session) {
  const auto next = [&packed] {
    const auto end = packed.find('\n');
    std::string text(packed.substr(0, end));
    packed.remove_prefix(end + 1);
    return text;
  };
  for (auto* text :
       {&session.client_name, &session.front_end, &session.listener, &session.helo, &session.tls_subject, &session.auth})
    *text = next();
  while (!packed.empty()) session.tags.push_back(next());
}

}  // namespace

struct RestingDialogue::Remains {
  std::uint64_t id;
  std::string texts;
  Address client, local;
  std::uint16_t client_port, local_port;
  bool tls;
  DialogueImpl::Past past;
};

RestingDialogue::RestingDialogue(HostServices& services, Session session, Voice voice)
    : services_(services),
      dialogue_(
          std::make_unique<DialogueImpl>(services, std::move(session), voice, DialogueImpl::Mode::live, DialogueImpl::Past())),
      voice_(voice) {}

RestingDialogue::~RestingDialogue() {
  if (remains_ && remains_->past.called) awake();  // its end is told to plugins
}

DialogueImpl& RestingDialogue::awake() {
  if (!dialogue_) {
    const auto remains = std::move(remains_);
    Session session;
    session.id = remains->id;
    session.client = remains->client;
    session.client_port = remains->client_port;
    session.local = remains->local;
    session.local_port = remains->local_port;
    session.tls = remains->tls;
    unpack(remains->texts, session);
    dialogue_ = std::make_unique<DialogueImpl>(services_, std::move(session), voice_, DialogueImpl::Mode::live, remains->past);
  }
  return *dialogue_;
}

void RestingDialogue::rest() {
  if (!dialogue_) return;
  const auto past = dialogue_->leave();
  const auto& session = dialogue_->session();
  remains_ = std::make_unique<Remains>(Remains{session.id, pack(session, dialogue_->front_end_tags()), session.client,
                                               session.local, session.client_port, session.local_port, session.tls, past});
  dialogue_.reset();
}

void RestingDialogue::reset() {
  if (dialogue_) dialogue_->reset();
}

std::uint32_t RestingDialogue::hooks() const { return dialogue_ ? dialogue_->hooks() : services_.current()->hooks(); }

}  // namespace deferd
