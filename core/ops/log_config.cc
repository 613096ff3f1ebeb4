#include "ops/log_sink.h"
#include "ops/log_writer.h"

namespace deferd {

Schema<LogConfig> LogConfig::schema() {
  return Schema<LogConfig>{}
      .field("to", &LogConfig::to, "stderr, syslog, or the path of a file; the file is opened anew at reload.")
      .field("format", &LogConfig::format, "One line of key=value, one JSON object a line, or the lines that spamd(8) writes.")
      .field("level", &LogConfig::level, "Lines below it are left out. Decisions are info.")
      .field("facility", &LogConfig::facility, "For syslog: mail, daemon, user, auth, cron, news, uucp, local0 to local7.")
      .field("ident", &LogConfig::ident, "For syslog: the name in front of each line.")
      .rule([](const LogConfig& config) -> std::string {
        const bool path = config.to.find('/') != std::string::npos;
        if (!path && config.to != "stderr" && config.to != "syslog")
          return "to: '" + config.to + "' is neither stderr nor syslog; write a file as ./" + config.to;
        if (facility_of(config.facility) < 0) return "facility: '" + config.facility + "' is no facility of syslog(3)";
        if (config.ident.empty()) return "ident must not be empty";
        return {};
      });
}

}  // namespace deferd
