#include "host/resting_dialogue.h"

#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace deferd {

namespace {

/// What of a session outlives a transaction. Its texts follow it in the same allocation, each with a line feed; none has one
/// inside: front ends have them from lines.
struct Facts {
  std::uint64_t id;
  DialogueImpl::Past past;
  std::uint32_t size;  // of the texts
  Address client, local;
  std::uint16_t client_port, local_port;
  std::uint16_t front_end_tags;  // those of plugins follow
  bool tls;
};
static_assert(std::is_trivially_copyable_v<Facts>);

std::unique_ptr<char[]> pack(const Session& session, std::size_t front_end_tags, const DialogueImpl::Past& past) {
  std::string texts;
  const auto add = [&texts](const std::string& text) { texts.append(text, 0, text.find('\n')).push_back('\n'); };
  for (const auto* text :
       {&session.client_name, &session.front_end, &session.listener, &session.helo, &session.tls_subject, &session.auth})
    add(*text);
  for (const auto& tag : session.tags) add(tag);
  const Facts facts{.id = session.id,
                    .past = past,
                    .size = static_cast<std::uint32_t>(texts.size()),
                    .client = session.client,
                    .local = session.local,
                    .client_port = session.client_port,
                    .local_port = session.local_port,
                    .front_end_tags = static_cast<std::uint16_t>(front_end_tags),
                    .tls = session.tls};
  auto packed = std::make_unique_for_overwrite<char[]>(sizeof facts + texts.size());
  std::memcpy(packed.get(), &facts, sizeof facts);
  std::memcpy(packed.get() + sizeof facts, texts.data(), texts.size());
  return packed;
}

Facts facts_of(const char* packed) {
  Facts facts;
  std::memcpy(&facts, packed, sizeof facts);
  return facts;
}

/// `with_all_tags`: plugins will not be asked anew, so their tags are in it.
Session unpack(const char* packed, bool with_all_tags) {
  const auto facts = facts_of(packed);
  Session session;
  session.id = facts.id;
  session.client = facts.client;
  session.client_port = facts.client_port;
  session.local = facts.local;
  session.local_port = facts.local_port;
  session.tls = facts.tls;
  std::string_view texts(packed + sizeof facts, facts.size);
  const auto next = [&texts] {
    const auto end = texts.find('\n');
    std::string text(texts.substr(0, end));
    texts.remove_prefix(end + 1);
    return text;
  };
  for (auto* text :
       {&session.client_name, &session.front_end, &session.listener, &session.helo, &session.tls_subject, &session.auth})
    *text = next();
  while (!texts.empty() && (with_all_tags || session.tags.size() < facts.front_end_tags)) session.tags.push_back(next());
  return session;
}

}  // namespace

RestingDialogue::RestingDialogue(HostServices& services, Session&& session, Voice voice)
    : services_(services),
      dialogue_(
          std::make_unique<DialogueImpl>(services, std::move(session), voice, DialogueImpl::Mode::live, DialogueImpl::Past())),
      voice_(voice) {}

RestingDialogue::~RestingDialogue() {
  if (remains_ && facts_of(remains_.get()).past.called) wake(true);  // its end is told to plugins
}

void RestingDialogue::wake(bool with_all_tags) {
  const auto remains = std::move(remains_);
  dialogue_ = std::make_unique<DialogueImpl>(services_, unpack(remains.get(), with_all_tags), voice_, DialogueImpl::Mode::live,
                                             facts_of(remains.get()).past);
}

DialogueImpl& RestingDialogue::awake() {
  if (!dialogue_) wake(false);
  return *dialogue_;
}

void RestingDialogue::rest() {
  if (!dialogue_) return;
  dialogue_->reset();
  remains_ = pack(dialogue_->session(), dialogue_->front_end_tags().size(), dialogue_->leave());
  dialogue_.reset();
}

void RestingDialogue::reset() {
  if (dialogue_) dialogue_->reset();
}

std::uint32_t RestingDialogue::hooks() const { return dialogue_ ? dialogue_->hooks() : services_.current()->hooks(); }

}  // namespace deferd
