#include "pfbridge/helper_place.h"

#include <sys/un.h>

#include <algorithm>
#include <string_view>

namespace deferd::pfbridge {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr const char* kExpected =
    "must be unix:/path/of/a/socket, or the words of a command such as [ssh, firewall, deferd-helper, --stdio]";

bool is_socket(const Value& value) { return value.is_text() && value.text().starts_with(kUnix); }

}  // namespace

std::string HelperPlace::name() const {
  if (!socket.empty()) return std::string(kUnix) + socket;
  std::string all;
  for (const auto& word : words) all += (all.empty() ? "" : " ") + word;
  return all;
}

Result<HelperPlace> HelperPlace::read(const Value& value) {
  HelperPlace place;
  if (is_socket(value)) {
    place.socket = value.text().substr(kUnix.size());
    if (!place.socket.starts_with('/')) return fail(Errc::invalid, kExpected);
    if (place.socket.size() >= sizeof(sockaddr_un::sun_path)) return fail(Errc::invalid, "the path is too long for a socket");
    return place;
  }
  if (!value.is_list() || value.size() == 0) return fail(Errc::invalid, kExpected);
  for (const Value& word : value.items()) {
    if (!word.is_text()) return fail(Errc::invalid, kExpected);
    place.words.push_back(word.text());
  }
  if (place.words.front().empty()) return fail(Errc::invalid, "the first word is the program");
  return place;
}

Result<std::vector<HelperPlace>> HelperPlace::read_all(const Value& value) {
  std::vector<HelperPlace> places;
  const bool several = value.is_list() && std::any_of(value.items().begin(), value.items().end(),
                                                      [](const Value& item) { return item.is_list() || is_socket(item); });
  const std::vector<Value> one{value};
  for (const Value& item : several ? value.items() : one) {
    auto place = read(item);
    if (!place) return tl::unexpected(place.error());
    if (std::find(places.begin(), places.end(), *place) != places.end())
      return fail(Errc::invalid, "names " + place->name() + " twice");
    places.push_back(std::move(*place));
  }
  return places;
}

}  // namespace deferd::pfbridge
