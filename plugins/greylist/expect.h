// Windows in which mail to a recipient is expected and passes undelayed: a login link, a first mail from a new supplier.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deferd/time.h"

namespace deferd::greylist {

struct Window {
  std::string domain;  ///< Of the sender, in lower case; its subdomains are meant too. Empty: any sender.
  Time until{};
  bool operator==(const Window&) const = default;
};

/// The windows of one recipient; never more than kMost.
struct Windows {
  static constexpr std::size_t kMost = 16;
  std::vector<Window> open;

  /// The window that lets mail of this sender domain in now, if any. The null sender has no domain: it needs one for any sender.
  const Window* find(std::string_view sender_domain, Time now) const;

  /// Opens a window or moves the end of the one of the same domain; drops those that are over, and above kMost what ends first.
  void add(Window window, Time now);

  Time last() const;  ///< When the last of them ends.
  bool operator==(const Windows&) const = default;
};

std::string encode(const Windows& windows);
std::optional<Windows> decode_windows(std::string_view bytes);  ///< Nothing if of another version, or damaged.

}  // namespace deferd::greylist
