#include "smtp/held_message.h"

#include <cstdio>
#include <iterator>

#include "deferd/ascii.h"

namespace deferd::smtp {
namespace {

constexpr std::string_view kLogged[] = {"from:", "to:", "subject:"};

std::string hex(std::uint64_t id) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(id));
  return text;
}

}  // namespace

void HeldMessage::note_header(std::string_view text, std::uint64_t session, const Address& client, Log& log) {
  for (std::size_t i = 0; i < std::size(kLogged); ++i) {
    const auto bit = static_cast<std::uint8_t>(1u << i);
    if ((logged_ & bit) != 0 || !starts_with_folded(text, kLogged[i])) continue;
    logged_ |= bit;
    log.info("smtp.held", {{"session", hex(session)}, {"client", client}, {"line", text.substr(0, kLongestLogged)}});
  }
}

bool HeldMessage::line(std::string_view text, std::uint64_t session, const Address& client, Log& log) {
  const bool dot = text == ".";
  if (part_ == Part::body)
    ++body_lines_;
  else if (text.empty())
    part_ = Part::body;
  else
    note_header(text, session, client, log);
  if (!dot && body_lines_ < kBodyLines) return false;
  part_ = Part::over;
  return true;
}

}  // namespace deferd::smtp
