#include "socketmap.h"

#include <charconv>

namespace deferd::traplist {
namespace {

constexpr std::size_t kLongestAnswer = 100'000;  // socketmap_table(5)

std::string netstring(std::string_view text) { return std::to_string(text.size()) + ":" + std::string(text) + ","; }

/// The text of a whole netstring; nothing as long as it is not whole. False: it never will be one.
bool take_netstring(std::string_view bytes, std::optional<std::string>& text) {
  const auto colon = bytes.find(':');
  if (colon == bytes.npos) return bytes.size() <= 6;
  std::size_t size = 0;
  const auto read = std::from_chars(bytes.data(), bytes.data() + colon, size);
  if (colon == 0 || read.ec != std::errc{} || read.ptr != bytes.data() + colon || size > kLongestAnswer) return false;
  const auto whole = colon + 1 + size + 1;
  if (bytes.size() < whole) return true;
  if (bytes.size() > whole || bytes.back() != ',') return false;
  text = std::string(bytes.substr(colon + 1, size));
  return true;
}

}  // namespace

Result<SocketmapPlace> SocketmapPlace::parse(std::string_view text) {
  const auto wrong = [] { return fail(Errc::invalid, "must be unix:/PATH:MAP or inet:ADDRESS:PORT:MAP"); };
  SocketmapPlace place;
  const auto colon = text.rfind(':');
  if (colon == text.npos || colon + 1 == text.size()) return wrong();
  place.map = text.substr(colon + 1);
  auto where = text.substr(0, colon);
  if (where.starts_with("unix:/")) {
    place.unix_path = where.substr(5);
    if (place.unix_path.size() > 100) return fail(Errc::invalid, "the path of a socket has at most 100 bytes");
    return place;
  }
  if (!where.starts_with("inet:")) return wrong();
  where.remove_prefix(5);
  if (where.find(':') == where.npos) return wrong();
  auto endpoint = Codec<Endpoint>::parse(where);
  if (!endpoint) return tl::unexpected(endpoint.error());
  place.endpoint = *endpoint;
  return place;
}

Result<bool> Socketmap::has(std::string_view key, Line::Deadline deadline) {
  if (auto line = idle_line())
    if (auto answer = ask(*line, key, deadline); answer || answer.error().code == Errc::invalid) {
      if (answer) keep(std::move(*line));
      return answer;
    }
  Line line;
  const bool connected =
      place_.unix_path.empty() ? line.connect(place_.endpoint, deadline) : line.connect(place_.unix_path, deadline);
  if (!connected) return fail(Errc::unavailable, "the map server does not answer");
  auto answer = ask(line, key, deadline);
  if (answer) keep(std::move(line));
  return answer;
}

Result<bool> Socketmap::ask(Line& line, std::string_view key, Line::Deadline deadline) const {
  if (!line.send(netstring(place_.map + " " + std::string(key)), deadline))
    return fail(Errc::unavailable, "the map server takes no question");
  std::string bytes;
  std::optional<std::string> text;
  while (!text) {
    if (!line.receive(bytes, deadline)) return fail(Errc::unavailable, "the map server does not answer");
    if (!take_netstring(bytes, text)) return fail(Errc::invalid, "what answers is no map server");
  }
  if (text->starts_with("OK ") || *text == "OK") return true;
  if (text->starts_with("NOTFOUND")) return false;
  if (text->starts_with("TEMP") || text->starts_with("TIMEOUT")) return fail(Errc::unavailable, "the map server says " + *text);
  return fail(Errc::invalid, "the map server says " + text->substr(0, 200));
}

std::optional<Line> Socketmap::idle_line() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::nullopt;
  Line line = std::move(idle_.back());
  idle_.pop_back();
  return line;
}

void Socketmap::keep(Line line) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kMostIdle) idle_.push_back(std::move(line));
}

}  // namespace deferd::traplist
