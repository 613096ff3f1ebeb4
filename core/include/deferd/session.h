// What is known of a client and its message so far.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deferd/address.h"

namespace deferd {

/// Plugins read it, only the core writes it; a field is empty until its stage. Passed by reference only (it may grow at its end):
/// copy single fields, never the whole. Strangers' bytes: bounded by the front end, not yet escaped.
struct Session {
  std::uint64_t id = 0;  ///< 16 hex digits in logs.
  Address client;        ///< The host that connects.
  std::uint16_t client_port = 0;
  std::string client_name;  ///< Its reverse name as verified by the MTA; empty if unknown.
  Address local;            ///< The address it connected to (0.0.0.0 if unknown).
  std::uint16_t local_port = 0;
  std::string front_end;  ///< "milter" or "smtp".
  std::string listener;   ///< The MTA's name for the listener it came in by ({daemon_name}).
  std::string helo;
  bool tls = false;
  std::string tls_subject;                   ///< Of a *verified* client certificate; else empty.
  std::string auth;                          ///< The authenticated user; else empty.
  std::string queue_id;                      ///< The MTA's, as soon as it has one (Postfix: after the first recipient).
  std::string mail_from;                     ///< Without <>; empty for the null sender.
  std::vector<std::string> mail_parameters;  ///< "SIZE=1000", "BODY=8BITMIME", as given.
  std::vector<std::string> rcpt_to;          ///< Recipients answered 250 so far, without <>.
  std::vector<std::pair<std::string, std::string>> headers;  ///< At on_headers, in order, values unfolded.
  std::vector<std::string> tags;  ///< Left by plugins asked earlier, and by front ends ("smtp.early-talker").

  bool tagged(std::string_view tag) const {
    for (const auto& have : tags)
      if (have == tag) return true;
    return false;
  }
  /// The value of the last tag `name=value`; empty if there is none.
  std::string_view tag_value(std::string_view name) const {
    for (auto tag = tags.rbegin(); tag != tags.rend(); ++tag)
      if (tag->size() > name.size() && tag->compare(0, name.size(), name) == 0 && (*tag)[name.size()] == '=')
        return std::string_view(*tag).substr(name.size() + 1);
    return {};
  }
};

}  // namespace deferd
