#include "correspondents.h"

#include <algorithm>

#include "bytes.h"
#include "envelope.h"
#include "keys.h"

namespace deferd::greylist {
namespace {

constexpr std::uint8_t kCorrespondentVersion = 1;
constexpr std::size_t kRecipientsMost = 100;  // mail to more is a list's, and nobody waits for answers to it

}  // namespace

std::string encode(const Correspondent& correspondent) {
  Writer out(kCorrespondentVersion);
  out.time(correspondent.written);
  return out.take();
}

std::optional<Correspondent> decode_correspondent(std::string_view bytes) {
  Reader in(bytes);
  if (in.byte() != kCorrespondentVersion) return std::nullopt;
  const Correspondent correspondent{in.time()};
  if (!in.done()) return std::nullopt;
  return correspondent;
}

bool is_ours(const Session& session) { return !session.auth.empty() || session.tagged("exempt"); }

Result<void> learn_correspondents(Context& context, const CorrespondentsConfig& config) {
  const auto& session = context.session();
  if (session.mail_from.empty()) return {};
  const auto now = context.clock().now();
  const auto user = fold_recipient(session.mail_from);
  const auto count = std::min(session.rcpt_to.size(), kRecipientsMost);
  for (std::size_t i = 0; i < count; ++i) {
    const auto group = pair_group(fold_sender(session.rcpt_to[i]), user);
    const Change change{std::string(kCorrespond), encode(Correspondent{now}), now + config.expiry, {}};
    if (auto done = context.store().commit(group, {&change, 1}); !done) return done;
  }
  return {};
}

}  // namespace deferd::greylist
