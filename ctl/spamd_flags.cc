#include "ctl/spamd_flags.h"

#include <algorithm>
#include <array>

#include "ctl/fields.h"
#include "deferd/address.h"

namespace deferd::ctl {
namespace {

tl::unexpected<Error> bad_flags(std::string what) { return fail(Errc::invalid, "spamd's flags: " + std::move(what)); }

/// Words, without the quotes that held them together.
Result<std::vector<std::string>> shell_words(std::string_view text) {
  std::vector<std::string> words;
  char quote = 0;
  bool within = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (quote == 0 && blank) {
      within = false;
      continue;
    }
    if (!within) words.emplace_back();
    within = true;
    if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      words.back() += text[++i];
    } else {
      words.back() += c;
    }
  }
  if (quote != 0) return bad_flags("a quote is not closed");
  return words;
}

/// What one flag means; `value` is empty for those that take none.
class FlagReader {
 public:
  explicit FlagReader(SpamdFlags& flags) : flags_(flags) {}

  static bool takes_value(char flag) { return std::string_view("BcCGhKlMnpsSwyY").find(flag) != std::string_view::npos; }

  Result<void> read(char flag, const std::string& value) {
    switch (flag) {
      case '4':
      case '5':
        flags_.reject = flag == '5';
        return {};
      case 'b':
        flags_.black_list_only = true;
        return {};
      case 'd':
        return {};
      case 'v':
        flags_.verbose = true;
        return {};
      case 'B':
        return number(flag, value, 0, kMost, flags_.held.emplace());
      case 'c':
        return number(flag, value, 1, kMost, flags_.clients);
      case 'p':
        return number(flag, value, 1, 65'535, flags_.port);
      case 's':
        return number(flag, value, 0, 10, flags_.per_byte);
      case 'S':
        return number(flag, value, 0, 90, flags_.stutter);
      case 'w':
        return number(flag, value, 1, kMost, flags_.window);
      case 'G':
        return times(value);
      case 'l':
      case 'M':
        return address(flag, value, flag == 'l' ? flags_.address : flags_.low_priority_mx);
      default:
        return text(flag, value);
    }
  }

 private:
  static constexpr std::int64_t kMost = 2'147'483'647;

  static Result<void> number(char flag, const std::string& value, std::int64_t low, std::int64_t high, std::int64_t& place) {
    const auto read = whole_number(value);
    if (!read || *read < low || *read > high)
      return bad_flags(std::string("-") + flag + ": '" + value + "' must be within " + std::to_string(low) + " to " +
                       std::to_string(high));
    place = *read;
    return {};
  }

  Result<void> times(const std::string& value) {
    const auto parts = split(value, ':');
    std::array<std::optional<std::int64_t>, 3> numbers;
    for (std::size_t i = 0; i < std::min(parts.size(), numbers.size()); ++i) numbers[i] = whole_number(parts[i]);
    if (parts.size() != numbers.size() || !numbers[0] || !numbers[1] || !numbers[2])
      return bad_flags("-G: '" + value + "' must be minutes:hours:hours");
    flags_.pass_minutes = *numbers[0];
    flags_.grey_hours = *numbers[1];
    flags_.white_hours = *numbers[2];
    return {};
  }

  static Result<void> address(char flag, const std::string& value, std::string& place) {
    const auto read = Address::parse(value);
    if (!read) return bad_flags(std::string("-") + flag + ": '" + value + "' is no address");
    place = read->to_string();
    return {};
  }

  Result<void> text(char flag, const std::string& value) {
    if (flag == 'C') flags_.certificate = value;
    if (flag == 'K') flags_.key = value;
    if (flag == 'h') flags_.host = value;
    if (flag == 'n') flags_.product = value;
    if (flag == 'y' || flag == 'Y') flags_.sync.push_back(value);
    return {};
  }

  SpamdFlags& flags_;
};

/// The value of `name=value` if the line is that, to its closing quote.
std::optional<std::string> value_in(std::string_view line, std::string_view name) {
  const auto begin = line.find_first_not_of(" \t");
  if (begin == line.npos) return std::nullopt;
  line.remove_prefix(begin);
  if (!line.starts_with(name) || line.substr(name.size()).empty() || line[name.size()] != '=') return std::nullopt;
  line.remove_prefix(name.size() + 1);
  const char quote = line.empty() ? '\0' : line.front();
  if (quote != '"' && quote != '\'') return std::string(line.substr(0, line.find_first_of(" \t;#")));
  std::string value;
  for (std::size_t i = 1; i < line.size() && line[i] != quote; ++i) {
    if (line[i] == '\\' && quote == '"' && i + 1 < line.size() && (line[i + 1] == quote || line[i + 1] == '\\')) ++i;
    value += line[i];
  }
  return value;
}

bool is_no(std::string_view value) {
  return value.size() == 2 && (value[0] == 'n' || value[0] == 'N') && (value[1] == 'o' || value[1] == 'O');
}

}  // namespace

Result<SpamdFlags> read_spamd_flags(std::string_view given) {
  auto words = shell_words(given);
  if (!words) return tl::unexpected(words.error());
  SpamdFlags flags;
  FlagReader reader(flags);
  for (std::size_t i = 0; i < words->size(); ++i) {
    const auto& word = (*words)[i];
    if (word.size() < 2 || word[0] != '-') return bad_flags("'" + word + "' is no flag");
    for (std::size_t at = 1; at < word.size(); ++at) {
      const char flag = word[at];
      if (!FlagReader::takes_value(flag)) {
        if (std::string_view("45bdv").find(flag) == std::string_view::npos)
          return bad_flags(std::string("-") + flag + " is none of spamd's");
        if (auto read = reader.read(flag, {}); !read) return tl::unexpected(read.error());
        continue;
      }
      std::string value = word.substr(at + 1);  // getopt(3): the rest of the word, or the next one
      if (value.empty()) {
        if (++i == words->size()) return bad_flags(std::string("-") + flag + " has no value");
        value = (*words)[i];
      }
      if (auto read = reader.read(flag, value); !read) return tl::unexpected(read.error());
      break;
    }
  }
  if (flags.certificate.empty() != flags.key.empty()) return bad_flags("-C and -K belong together");
  return flags;
}

std::optional<std::string> spamd_flags_in(std::string_view rc) {
  std::optional<std::string> flags;
  bool black = false;
  each_line_of(rc, [&](std::string_view line, std::size_t) {
    for (const char* name : {"spamd_flags", "obspamd_flags"})
      if (auto value = value_in(line, name)) flags = is_no(*value) ? std::string() : std::move(*value);
    if (const auto value = value_in(line, "spamd_black")) black = !is_no(*value);
  });
  if (black) flags = flags.value_or("") + " -b";
  return flags;
}

}  // namespace deferd::ctl
