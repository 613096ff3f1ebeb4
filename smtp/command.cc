#include "smtp/command.h"

#include <algorithm>

namespace deferd::smtp {
namespace {

struct Word {
  std::string_view text;  // upper case
  Verb verb;
};

constexpr Word kVerbs[] = {
    {"HELO", Verb::helo}, {"EHLO", Verb::ehlo}, {"MAIL", Verb::mail}, {"RCPT", Verb::rcpt},         {"DATA", Verb::data},
    {"RSET", Verb::rset}, {"NOOP", Verb::noop}, {"QUIT", Verb::quit}, {"VRFY", Verb::vrfy},         {"EXPN", Verb::expn},
    {"HELP", Verb::help}, {"AUTH", Verb::auth}, {"BDAT", Verb::bdat}, {"STARTTLS", Verb::starttls},
};

/// Whether `text` starts with `upper`, in any case.
bool starts_with(std::string_view text, std::string_view upper) {
  return text.size() >= upper.size() && std::equal(upper.begin(), upper.end(), text.begin(), [](char want, char have) {
           return want == (have >= 'a' && have <= 'z' ? have - 'a' + 'A' : have);
         });
}

Verb verb_of(std::string_view word) {
  for (const auto& known : kVerbs)
    if (word.size() == known.text.size() && starts_with(word, known.text)) return known.verb;
  return Verb::other;
}

std::string_view without_leading_blanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text;
}

std::string_view trimmed(std::string_view text) {
  text = without_leading_blanks(text);
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);  // npos + 1 is 0
}

/// Takes `FROM:` or `TO:` off the argument.
void take_keyword(Command& command, std::string_view keyword) {
  std::string_view rest = command.argument;
  command.malformed = !starts_with(rest, keyword);
  if (command.malformed) return;
  rest = without_leading_blanks(rest.substr(keyword.size()));
  command.malformed = !rest.starts_with(':');
  if (!command.malformed) command.argument = without_leading_blanks(rest.substr(1));
}

}  // namespace

std::string_view to_string(Verb verb) {
  for (const auto& known : kVerbs)
    if (known.verb == verb) return known.text;
  return "other";
}

Command parse_command(std::string_view line) {
  const auto end = std::min(line.find_first_of(kBlanks), line.size());
  Command command;
  command.verb = verb_of(line.substr(0, end));
  command.argument = trimmed(line.substr(end));
  if (command.verb == Verb::mail) take_keyword(command, "FROM");
  if (command.verb == Verb::rcpt) take_keyword(command, "TO");
  return command;
}

}  // namespace deferd::smtp
