#include "support/decision_stream.h"

#include <map>
#include <sstream>

namespace deferd::scenario {

namespace {

constexpr std::string_view kWithout = "  -";

/// The lines of each file.
std::map<std::string, std::vector<std::string>> parts(std::string_view stream) {
  std::map<std::string, std::vector<std::string>> parts;
  std::vector<std::string>* current = nullptr;
  std::istringstream lines{std::string(stream)};
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with(' '))
      current = &parts[line];
    else if (current != nullptr)
      current->push_back(line);
  return parts;
}

std::string line_of(const std::vector<std::string>& lines, std::size_t i) { return i < lines.size() ? lines[i] : "  nothing"; }

bool without(const std::vector<std::string>& lines) { return lines.size() == 1 && lines[0] == kWithout; }

}  // namespace

std::string stream_of(const std::string& file, const std::vector<Decided>& decisions) {
  std::string text = file + '\n';
  for (const auto& decided : decisions) {
    auto heard = decided.heard;
    heard.enhanced.clear();  // the log does not tell it
    text += "  <" + decided.rcpt + "> " + heard.to_string();
    if (!decided.reason.empty()) text += ": " + decided.reason;
    text += '\n';
  }
  return text;
}

std::string stream_without(const std::string& file) { return file + '\n' + std::string(kWithout) + '\n'; }

std::vector<std::string> differences(std::string_view first, std::string_view other) {
  std::vector<std::string> found;
  const auto theirs = parts(other);
  const auto ours = parts(first);
  for (const auto& [file, lines] : ours) {
    const auto match = theirs.find(file);
    if (match == theirs.end()) {
      found.push_back(file + ": was not played");
      continue;
    }
    if (without(lines) || without(match->second)) continue;
    for (std::size_t i = 0; i < std::max(lines.size(), match->second.size()); ++i)
      if (const auto a = line_of(lines, i), b = line_of(match->second, i); a != b) {
        found.push_back(file + ":\n" + a + "\n" + b);
        break;  // those that follow differ because of it
      }
  }
  for (const auto& [file, lines] : theirs)
    if (!ours.contains(file)) found.push_back(file + ": was played only here");
  return found;
}

}  // namespace deferd::scenario
