#include "daemon/command_message.h"

#include <cstring>
#include <utility>

#include "ops/spawn.h"

namespace deferd {
namespace {

// The first byte. Numbers follow in this machine's order: both ends are one program.
constexpr char kStart = 's', kKill = 'k', kEnded = 'e';

enum OrderFlag : std::uint8_t { kBothWays = 1, kErrorsShown = 2, kLeftAtEnd = 4, kAllFlags = 7 };

static_assert(kMostCommandBytes + 1 + sizeof(std::uint32_t) + 1 <= kMostMessageBytes);

template <class T>
void append(std::string& bytes, T number) {
  char raw[sizeof number];
  std::memcpy(raw, &number, sizeof number);
  bytes.append(raw, sizeof raw);
}

template <class T>
std::optional<T> take_number(std::string_view& bytes) {
  T number;
  if (bytes.size() < sizeof number) return std::nullopt;
  std::memcpy(&number, bytes.data(), sizeof number);
  bytes.remove_prefix(sizeof number);
  return number;
}

std::optional<StartCommand> read_start(std::uint32_t id, std::string_view bytes) {
  const auto flags = take_number<std::uint8_t>(bytes);
  if (!flags || *flags > kAllFlags || !bytes.ends_with('\0')) return std::nullopt;
  StartCommand start{id, {}};
  if ((*flags & kBothWays) != 0) start.command.talk = Command::Talk::both;
  if ((*flags & kErrorsShown) != 0) start.command.errors = Command::Errors::shown;
  if ((*flags & kLeftAtEnd) != 0) start.command.at_end = Command::AtEnd::left;
  while (!bytes.empty()) {
    const auto end = bytes.find('\0');
    start.command.words.emplace_back(bytes.substr(0, end));
    bytes.remove_prefix(end + 1);
  }
  if (!check_command(start.command)) return std::nullopt;
  return start;
}

}  // namespace

std::string to_bytes(const StartCommand& start) {
  const auto& command = start.command;
  std::uint8_t flags = 0;
  if (command.talk == Command::Talk::both) flags |= kBothWays;
  if (command.errors == Command::Errors::shown) flags |= kErrorsShown;
  if (command.at_end == Command::AtEnd::left) flags |= kLeftAtEnd;
  std::string bytes(1, kStart);
  append(bytes, start.id);
  append(bytes, flags);
  for (const auto& word : command.words) bytes.append(word).push_back('\0');
  return bytes;
}

std::string to_bytes(const KillCommand& kill) {
  std::string bytes(1, kKill);
  append(bytes, kill.id);
  return bytes;
}

std::string to_bytes(const CommandEnded& ended) {
  std::string bytes(1, kEnded);
  append(bytes, ended.id);
  append(bytes, static_cast<std::uint8_t>(ended.end.how));
  append(bytes, static_cast<std::int32_t>(ended.end.code));
  return bytes;
}

std::optional<std::variant<StartCommand, KillCommand>> read_order(std::string_view bytes) {
  const auto kind = take_number<char>(bytes);
  const auto id = take_number<std::uint32_t>(bytes);
  if (!kind || !id) return std::nullopt;
  if (*kind == kKill && bytes.empty()) return KillCommand{*id};
  if (*kind != kStart) return std::nullopt;
  auto start = read_start(*id, bytes);
  if (!start) return std::nullopt;
  return std::move(*start);
}

std::optional<CommandEnded> read_report(std::string_view bytes) {
  const auto kind = take_number<char>(bytes);
  const auto id = take_number<std::uint32_t>(bytes);
  const auto how = take_number<std::uint8_t>(bytes);
  const auto code = take_number<std::int32_t>(bytes);
  if (kind != kEnded || !code || !bytes.empty()) return std::nullopt;
  for (const auto known : {CommandEnd::How::exited, CommandEnd::How::killed, CommandEnd::How::not_executed})
    if (*how == static_cast<std::uint8_t>(known)) return CommandEnded{*id, {known, *code}};
  return std::nullopt;
}

}  // namespace deferd
