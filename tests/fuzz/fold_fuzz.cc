// Folding an envelope: any bytes give an address that is bounded, without control characters, and folds to itself; senders that
// differ in case only are one.
#include <algorithm>
#include <cctype>
#include <string>

#include "envelope.h"
#include "keys.h"
#include "require.h"

using namespace deferd::greylist;

namespace {

bool has_control(const std::string& text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

void check(const std::string& folded, std::string (*fold)(std::string_view)) {
  REQUIRE(folded.size() <= kFoldedMax);
  REQUIRE(!has_control(folded));
  REQUIRE(fold(folded) == folded);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto sender = fold_sender(text);
  const auto recipient = fold_recipient(text);
  check(sender, fold_sender);
  check(recipient, fold_recipient);
  check(keep_bytes(text), keep_bytes);
  REQUIRE(sender.empty() == text.empty() && recipient.empty() == text.empty());

  std::string upper = text;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  REQUIRE(fold_sender(upper) == sender && fold_recipient(upper) == recipient);

  const auto envelope = envelope_of(pair_group(sender, recipient));
  REQUIRE(envelope && envelope->from == sender && envelope->to == recipient);
  return 0;
}
