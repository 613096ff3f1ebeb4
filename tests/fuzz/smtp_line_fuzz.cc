// Bytes of a client, cut anywhere, give the lines that a simple look at the whole gives, none lost. Whatever a line holds: its
// parts lie within it, an address that is accepted is clean and reads as itself, a reply made of it stays one reply.
#include <algorithm>
#include <string>

#include "base/utf8.h"
#include "require.h"
#include "smtp/command.h"
#include "smtp/line_reader.h"
#include "smtp/path.h"
#include "smtp/reply.h"

using namespace deferd;
using namespace deferd::smtp;

namespace {

bool is_clean(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto length = utf8::decode(text).length;
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

void check(std::string_view argument, Result<Path> (*parse)(std::string_view)) {
  const auto path = parse(argument);
  if (!path) {
    REQUIRE(!path.error().what.empty() && is_clean(path.error().what));
    return;
  }
  REQUIRE(path->address.size() <= 512 && path->parameters.size() <= 20);
  REQUIRE(is_clean(path->address) && is_utf8(path->address));
  REQUIRE(path->utf8 == std::any_of(path->address.begin(), path->address.end(), [](char c) { return (c & 0x80) != 0; }));
  REQUIRE(argument.find(path->address) != argument.npos);

  std::string canonical = "<" + path->address + ">";
  for (const auto& parameter : path->parameters) {
    REQUIRE(!parameter.empty() && is_clean(parameter) && is_utf8(parameter) && parameter.find(' ') == parameter.npos);
    canonical += " " + parameter;
  }
  const auto again = parse(canonical);
  REQUIRE(again && again->address == path->address && again->parameters == path->parameters && again->utf8 == path->utf8);
}

void check_command(std::string_view line) {
  const auto command = parse_command(line);
  REQUIRE(command.argument.empty() || (command.argument.data() >= line.data() &&
                                       command.argument.data() + command.argument.size() <= line.data() + line.size()));
  REQUIRE(!command.argument.starts_with(' ') && !command.argument.ends_with('\t'));
  if (command.verb != Verb::other) {
    const auto verb = to_string(command.verb);
    REQUIRE(line.size() >= verb.size() && (line.size() == verb.size() || line[verb.size()] == ' ' || line[verb.size()] == '\t'));
  }
  if (command.malformed) REQUIRE(command.verb == Verb::mail || command.verb == Verb::rcpt);
  check(command.argument, parse_sender);
  check(command.argument, parse_recipient);
  if (is_helo_name(command.argument)) REQUIRE(is_clean(command.argument) && command.argument.size() <= 255);
}

void check_reply(std::string_view text) {
  const std::string reply = format_reply(450, "4.7.1", text);
  std::string_view rest(reply);
  for (int lines = 1; !rest.empty(); ++lines) {
    const auto end = rest.find("\r\n");
    REQUIRE(end != rest.npos && end <= 500 && lines <= 32);
    REQUIRE(is_clean(rest.substr(0, end)) && rest.substr(0, 3) == "450");
    REQUIRE(rest[3] == (end + 2 == rest.size() ? ' ' : '-'));
    rest.remove_prefix(end + 2);
  }
  REQUIRE(!reply.empty());
}

/// Reads `bytes` in pieces of `piece` bytes and compares with what stands between the LFs.
void check_lines(std::string_view bytes, std::size_t limit, std::size_t piece) {
  LineReader reader;
  std::string_view expected = bytes;
  for (std::size_t fed = 0; fed < bytes.size(); fed += piece) {
    reader.feed(bytes.substr(fed, piece));
    while (const auto line = reader.next(limit)) {
      const auto end = expected.find('\n');
      REQUIRE(end != expected.npos);
      auto text = expected.substr(0, end);
      REQUIRE(line->bare_lf == !text.ends_with('\r'));
      if (!line->bare_lf) text.remove_suffix(1);
      REQUIRE(line->bare_cr == (text.find('\r') != text.npos));
      REQUIRE(line->too_long == (text.size() > limit));
      REQUIRE(line->text == text.substr(0, limit));
      check_command(line->text);
      check_reply(line->text);
      expected.remove_prefix(end + 1);
    }
    REQUIRE(reader.pending().size() <= limit + 1);
  }
  REQUIRE(expected.find('\n') == expected.npos && expected.starts_with(reader.pending()));
  if (expected.size() <= limit) REQUIRE(expected == reader.pending());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 2), size - 2);
  check_lines(bytes, data[0] % 2 == 0 ? LineReader::kCommandLimit : data[0] / 2, data[1] + 1U);
  check_command(bytes);
  check_reply(bytes);
  return 0;
}
