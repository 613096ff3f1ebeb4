#include "config/yaml.h"

#include <unistd.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <sstream>

#include "base/utf8.h"
#include "config/yaml_builder.h"

namespace deferd {
namespace {

constexpr std::size_t kLargestFile = 16 << 20;

std::string too_large() { return "is larger than " + std::to_string(kLargestFile >> 20) + " MiB"; }

/// yaml-cpp ends the file at some control bytes, replaces bytes that are no UTF-8 and guesses at other encodings, all silently.
bool is_clean_text(std::string_view text, Problems& problems) {
  Mark mark{1, 1};
  while (!text.empty()) {
    const auto [code_point, length] = utf8::decode(text);
    if (length == 0) {
      problems.error(mark, {}, "not UTF-8 text");
      return false;
    }
    if ((code_point < 0x20 && code_point != '\t' && code_point != '\n' && code_point != '\r') || code_point == 0x7f) {
      problems.error(mark, {}, "a control character " + detail::quote(text.substr(0, 1)));
      return false;
    }
    mark = code_point == '\n' ? Mark{mark.line + 1, 1} : Mark{mark.line, mark.column + static_cast<std::uint32_t>(length)};
    text.remove_prefix(length);
  }
  return true;
}

struct Remedy {
  std::string_view error;
  std::string_view remedy;
};
const Remedy kRemedies[] = {
    {YAML::ErrorMsg::MAP_VALUE, "indent it as the settings beside it; a text with ': ' in it needs quotes"},
    {YAML::ErrorMsg::END_OF_MAP, "indent it as the settings beside it; nothing may follow a quoted text"},
    {YAML::ErrorMsg::END_OF_SEQ, "indent it as the items beside it"},
    {YAML::ErrorMsg::BLOCK_ENTRY, "a list starts on a line of its own"},
    {YAML::ErrorMsg::END_OF_SEQ_FLOW, "a list that was opened with [ is not closed"},
    {YAML::ErrorMsg::END_OF_MAP_FLOW, "a map that was opened with { is not closed"},
    {YAML::ErrorMsg::UNKNOWN_TOKEN, "a text that starts with %, @ or ` needs quotes"},
    {YAML::ErrorMsg::EOF_IN_SCALAR, "a quote is never closed"},
    {YAML::ErrorMsg::UNKNOWN_ANCHOR, "a text that starts with * needs quotes"},
    {YAML::ErrorMsg::INVALID_ESCAPE, "a backslash in a text is written as it is between single quotes"},
};

/// yaml-cpp's words and what is to be done.
std::string explain(const YAML::Exception& error, std::string_view text) {
  for (int line = 0; line < error.mark.line && !text.empty(); ++line)
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  if (const auto tab = text.find('\t'); tab != text.npos && tab < text.find('\n') && text.find_first_not_of(" \t-") > tab)
    return "a tab where lines are indented: YAML takes blanks only";
  for (const Remedy& known : kRemedies)
    if (error.msg.starts_with(known.error)) return "not YAML (" + error.msg + "): " + std::string(known.remedy);
  return "not YAML: " + error.msg;
}

std::string unreadable(int error) {
  std::string message = std::string("cannot be read: ") + std::strerror(error);
  if (error == ENOENT) message += "; name the configuration with -c FILE";
  if (error == EACCES) message += "; it and the folders above it must be readable for user id " + std::to_string(geteuid());
  return message;
}

}  // namespace

std::optional<Value> parse_yaml(std::string_view text, Problems& problems) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  if (text.size() > kLargestFile) {
    problems.error({}, {}, too_large());
    return std::nullopt;
  }
  if (!is_clean_text(text, problems)) return std::nullopt;

  Problems found;
  YamlBuilder builder(text, found);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (parser.HandleNextDocument(builder)) parser.HandleNextDocument(builder);  // the builder refuses a second one
  } catch (const YAML::Exception& error) {
    found.error(yaml_mark(error.mark), {}, explain(error, text));
  } catch (const YamlBuilder::Stop&) {
    // the builder has said why
  }
  for (const auto& problem : found.list()) problems.error(problem.mark, problem.path, problem.message);
  if (found.failed()) return std::nullopt;
  return std::move(builder).root();
}

std::optional<Value> load_yaml(const std::string& path, Problems& problems) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), &std::fclose);
  if (!file) {
    problems.error({}, {}, unreadable(errno));
    return std::nullopt;
  }
  std::string text;
  char block[16384];
  while (const std::size_t size = std::fread(block, 1, sizeof block, file.get())) {
    text.append(block, size);
    if (text.size() > kLargestFile) break;  // parse_yaml refuses it
  }
  if (std::ferror(file.get())) {
    problems.error({}, {}, unreadable(errno));
    return std::nullopt;
  }
  return parse_yaml(text, problems);
}

}  // namespace deferd
