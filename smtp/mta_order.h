// What a session wants of the MTA, one thing after another, and what came of it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace deferd::smtp {

/// What the MTA must hear again.
struct HandoverEnvelope {
  bool extended = false;  ///< EHLO, else HELO.
  std::string helo;
  std::string mail;  ///< The client's own MAIL and RCPT lines, as they came, without line end.
  std::string rcpt;
};

struct MtaOrder {
  enum class What : std::uint8_t {
    join,     ///< Say `words`, then join client and MTA for good. Given again after each message that the MTA has taken.
    open,     ///< Say `words`, and keep the MTA for what follows; the session leads.
    rcpt,     ///< After `open`: say `words.rcpt`.
    data,     ///< Say DATA.
    message,  ///< After its 354: carry what the client says, up to the end of its message.
  };
  What what = What::open;
  HandoverEnvelope words;
};

/// A message that the MTA has taken.
struct TakenMessage {
  std::string sender;  ///< Without <>; empty is the null sender.
  std::vector<std::string> recipients;
};

/// How the MTA has answered an order.
struct MtaAnswer {
  int code = 0;
  std::string reply{};                  ///< As it came, whole.
  bool last = false;                    ///< The MTA cannot be asked any more.
  bool cut = false;                     ///< The client is still in the middle of its message.
  std::optional<std::string> unread{};  ///< `message`: what the client has sent after its end.
  TakenMessage taken{};                 ///< `join`: there is no code and no reply; the client has heard it.
};

}  // namespace deferd::smtp
