// What a client and an MTA say to each other: the end of a message is where a strict reader sees it, however the bytes come, and
// nothing that a lax one takes for an end goes on; whoever watches the dialogue keeps little and tells of no more than there was.
#include <algorithm>
#include <string>

#include "require.h"
#include "smtp/message_watch.h"

using namespace deferd::smtp;

namespace {

void check_end(std::string_view text, std::size_t piece) {
  const auto strict = ("\r\n" + std::string(text)).find("\r\n.\r\n");
  MessageEnd end;
  std::string kept, passed;
  auto found = MessageEnd::Found::nothing;
  for (auto rest = text; !rest.empty() && found == MessageEnd::Found::nothing; rest.remove_prefix(std::min(piece, rest.size()))) {
    kept += rest.substr(0, piece);
    const auto seen = end.look(kept);
    passed += kept.substr(0, seen.size);
    kept.erase(0, seen.size);
    found = seen.found;
    REQUIRE(found != MessageEnd::Found::nothing || kept.size() <= 2);
  }
  REQUIRE(text.starts_with(passed));
  if (found == MessageEnd::Found::end) REQUIRE(passed.size() == strict + 3);
  if (found == MessageEnd::Found::nothing) REQUIRE(strict == std::string::npos);
  std::string lax = "\n" + passed;
  if (found == MessageEnd::Found::end) lax.resize(lax.size() - 3);
  std::replace(lax.begin(), lax.end(), '\r', '\n');
  REQUIRE(lax.find("\n.\n") == lax.npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t piece = data[0] % 32 + 1;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  check_end(bytes, piece);

  // A line that begins with a digit is the MTA's.
  MessageWatch watch({true, "client.example", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>"});
  for (auto rest = bytes; !rest.empty();) {
    const auto line = rest.substr(0, std::min(rest.find('\n'), rest.size() - 1) + 1);
    rest.remove_prefix(line.size());
    const bool by_mta = line[0] >= '0' && line[0] <= '9';
    for (auto part = line; !part.empty(); part.remove_prefix(std::min(piece, part.size())))
      by_mta ? watch.mta_says(part.substr(0, piece)) : watch.client_says(part.substr(0, piece));
    if (!watch.has_message()) continue;
    const auto message = watch.take();
    REQUIRE(message.recipients.size() <= 1000);
    for (const auto& recipient : message.recipients)
      REQUIRE(!recipient.empty() && recipient.find_first_of("\r\n") == recipient.npos);
  }
  return 0;
}
