// Whom our users write to may answer at once: mail from a user of ours to X makes X -> user pass.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "config.h"
#include "deferd/host.h"

namespace deferd::greylist {

/// When the user last wrote.
struct Correspondent {
  Time written{};
  bool operator==(const Correspondent&) const = default;
};

std::string encode(const Correspondent& correspondent);
std::optional<Correspondent> decode_correspondent(std::string_view bytes);  ///< Nothing if of another version, or damaged.

/// Whether the session is one of our own users or hosts: authenticated, or exempt.
bool is_ours(const Session& session);

/// Notes the recipients of an accepted message of ours, the first hundred. Errors: the store's.
Result<void> learn_correspondents(Context& context, const CorrespondentsConfig& config);

}  // namespace deferd::greylist
