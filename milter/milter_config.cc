#include "milter/milter_config.h"

namespace deferd {

namespace {

// RFC 5322 section 3.6.8: printable ASCII but the colon.
bool is_header_name(const std::string& name) {
  if (name.size() > 64) return false;
  for (const char c : name)
    if (c <= ' ' || c >= 0x7f || c == ':') return false;
  return true;
}

}  // namespace

Schema<MilterConfig> MilterConfig::schema() {
  using std::chrono::hours, std::chrono::milliseconds, std::chrono::seconds;
  return Schema<MilterConfig>{}
      .field("voice", &MilterConfig::voice,
             "The stage at which a decision is told to the client. With data, one deferred recipient defers the whole message.")
      .field("header", &MilterConfig::header,
             "Name of the header that tells on accepted mail how long it was kept waiting; empty for none.")
      .field("max_delay", &MilterConfig::max_delay, milliseconds{0}, seconds{30},
             "No answer is delayed for longer than this, whatever plugins wish.")
      .field("max_sleepers", &MilterConfig::max_sleepers, 0, 1000,
             "No more answers than this are delayed at the same time; others go out at once.")
      .field("socket_owner", &MilterConfig::socket_owner, "User who owns a unix socket; only root can give it away.")
      .field("socket_group", &MilterConfig::socket_group, "Group of a unix socket: usually one the MTA is a member of.")
      .field("socket_mode", &MilterConfig::socket_mode, "Permissions of a unix socket.")
      .field(
          "drain", &MilterConfig::drain, seconds{0}, seconds{8},
          "When asked to end, deferd takes no new connections and serves on until no message is in progress, at most this long.")
      .field("timeout", &MilterConfig::timeout, seconds{10}, hours{24},
             "An MTA that has said nothing for this long is hung up on.")
      .rule([](const MilterConfig& config) -> std::string {
        return is_header_name(config.header) ? "" : "header: '" + config.header + "' is no name of a header";
      });
}

}  // namespace deferd
