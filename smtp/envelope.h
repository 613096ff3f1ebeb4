// One transaction as the session sees it: from MAIL until RSET, the next HELO, or the end.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "smtp/path.h"
#include "smtp/smtp_session.h"

namespace deferd::smtp {

struct Envelope {
  Path sender;
  bool utf8 = false;  ///< SMTPUTF8 was given.
  bool told = false;  ///< Plugins know the sender; not any more once their Dialogue rested.
  std::string rcpt;   ///< The recipient they are asked of now.

  int recipients = 0;  ///< Plugins were asked of so many; how they were answered:
  int promised = 0;    ///< 250, and the truth at DATA (`voice: data`): that must be 4xx.
  int held = 0;        ///< 250, because the client is held.
  int put_off = 0;     ///< 4xx
  int relayed = 0;     ///< 250, by the MTA.

  enum class Mta : std::uint8_t {
    none,
    open,    ///< It has heard of this transaction, and of its recipients those that pass.
    joined,  ///< The client talks with it.
    lost,    ///< It has promised something and is gone: the message must be put off.
  };
  Mta mta = Mta::none;
  bool exempt = false;              ///< `joined` because the client is exempt, not because it is white.
  std::unique_ptr<MtaOrder> order;  ///< The latest, if there may be any.
  std::string last_word;            ///< Of the MTA, on a message that it has taken: the client hears it once plugins know.
};

/// Why a command is not taken, before anybody is asked. Code 0: it is.
struct Complaint {
  int code = 0;
  std::string_view enhanced;
  std::string text;
};

/// Parameters we know are SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531), and with `dsn` those of RFC 3461.
Complaint check_sender(const Path& path, bool dsn);
/// `utf8`: SMTPUTF8 was given with MAIL.
Complaint check_recipient(const Path& path, bool utf8, bool dsn);

/// Whether SMTPUTF8 is among the parameters.
bool asks_for_utf8(const Path& sender);

}  // namespace deferd::smtp
