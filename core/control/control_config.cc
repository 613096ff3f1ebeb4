#include "control/control_config.h"

#include "net/listener.h"

namespace deferd {

Schema<ControlConfig> ControlConfig::schema() {
  return Schema<ControlConfig>{}
      .field("socket", &ControlConfig::socket, "The Unix socket that deferctl and scrapers of /metrics talk to; empty: none.")
      .field("mode", &ControlConfig::mode, "Who may use it: who may write to the socket may do everything deferctl can.")
      .field("group", &ControlConfig::group, "The group the socket is given to; empty: the daemon's own.")
      .rule([](const ControlConfig& config) -> std::string {
        if (config.socket.empty()) return {};
        auto fits = check_socket_path(config.socket);
        return fits ? std::string() : "socket: " + fits.error().what;
      })
      .check([](const ControlConfig& config, const Value& value, const std::string& path, Problems& problems) {
        if ((config.mode.bits & 0007) != 0)
          problems.warning(value.mark(), path, "mode: everybody on this machine may control deferd");
      });
}

}  // namespace deferd
