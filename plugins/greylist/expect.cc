#include "expect.h"

#include <algorithm>

#include "bytes.h"

namespace deferd::greylist {
namespace {

constexpr std::uint8_t kExpectVersion = 1;

bool covers(std::string_view domain, std::string_view name) {
  if (domain.empty() || domain == name) return true;
  return name.size() > domain.size() && name.ends_with(domain) && name[name.size() - domain.size() - 1] == '.';
}

}  // namespace

const Window* Windows::find(std::string_view sender_domain, Time now) const {
  const auto it = std::find_if(open.begin(), open.end(),
                               [&](const Window& window) { return now < window.until && covers(window.domain, sender_domain); });
  return it == open.end() ? nullptr : &*it;
}

void Windows::add(Window window, Time now) {
  std::erase_if(open, [&](const Window& other) { return other.until <= now || other.domain == window.domain; });
  open.push_back(std::move(window));
  if (open.size() > kMost)
    open.erase(std::min_element(open.begin(), open.end(), [](const Window& a, const Window& b) { return a.until < b.until; }));
}

Time Windows::last() const {
  Time last{};
  for (const auto& window : open) last = std::max(last, window.until);
  return last;
}

std::string encode(const Windows& windows) {
  Writer out(kExpectVersion);
  out.byte(static_cast<std::uint8_t>(windows.open.size()));
  for (const auto& window : windows.open) {
    out.text(window.domain);
    out.time(window.until);
  }
  return out.take();
}

std::optional<Windows> decode_windows(std::string_view bytes) {
  Reader in(bytes);
  if (in.byte() != kExpectVersion) return std::nullopt;
  const std::size_t size = in.byte();
  if (size > Windows::kMost) return std::nullopt;
  Windows windows;
  for (std::size_t i = 0; i < size; ++i) {
    const auto domain = in.text();
    windows.open.push_back({std::string(domain), in.time()});
  }
  if (!in.done()) return std::nullopt;
  return windows;
}

}  // namespace deferd::greylist
