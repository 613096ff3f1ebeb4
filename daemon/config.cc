#include "daemon/config.h"

#include <algorithm>

#include "config/yaml.h"
#include "milter/milter_socket.h"

namespace deferd {
namespace {

void check_helpers(const DaemonConfig& config, const Value& value, const std::string& path, Problems& problems) {
  for (std::size_t i = 0; i < config.helpers.size(); ++i) {
    const auto& command = config.helpers[i];
    const auto wrong = [&](std::string what) {
      problems.error(value.find("helpers")->items()[i].mark(), detail::join_path(path, "helpers") + "[" + std::to_string(i) + "]",
                     std::move(what));
    };
    if (command.empty() || command.front().empty())
      wrong("the name of a program is missing");
    else if (command.front().front() != '/' && command.front().find('/') != std::string::npos)
      wrong(detail::quote(command.front()) + ": write the whole path from / on, or the name alone");
    for (const auto& word : command)
      if (word.find('\0') != std::string::npos) wrong("a NUL ends every word");
  }
}

}  // namespace

Schema<ListenConfig> ListenConfig::schema() {
  return Schema<ListenConfig>{}
      .field("milter", &ListenConfig::milter,
             "Where MTAs find the milter: unix:PATH, inet:PORT@HOST or inet6:PORT@HOST; any number.")
      .field("smtp", &ListenConfig::smtp,
             "Where a packet filter sends strangers: ADDRESS:PORT, [IPV6-ADDRESS]:PORT or unix:PATH; any number.")
      .check([](const ListenConfig& config, const Value& value, const std::string& path, Problems& problems) {
        const auto* given = value.find("milter");
        std::vector<MilterSocket> sockets;
        for (std::size_t i = 0; i < config.milter.size(); ++i)
          if (auto socket = MilterSocket::parse(config.milter[i]); !socket)
            problems.error(given->items()[i].mark(), path + ".milter", socket.error().what);
          else if (std::find(sockets.begin(), sockets.end(), *socket) != sockets.end())
            problems.error(given->items()[i].mark(), path + ".milter", socket->to_string() + " is there twice");
          else
            sockets.push_back(std::move(*socket));
        for (std::size_t i = 1; i < config.smtp.size(); ++i)
          if (std::find(config.smtp.begin(), config.smtp.begin() + i, config.smtp[i]) != config.smtp.begin() + i)
            problems.error(value.find("smtp")->items()[i].mark(), path + ".smtp", config.smtp[i].to_string() + " is there twice");
      });
}

Schema<DaemonConfig> DaemonConfig::schema() {
  return Schema<DaemonConfig>{}
      .field("store", &DaemonConfig::store, "Where what was learned is kept.")
      .field("listen", &DaemonConfig::listen, "The ways in.")
      .field("milter", &DaemonConfig::milter, "How the milter answers.")
      .field("smtp", &DaemonConfig::smtp,
             "The SMTP front end: what strangers meet that a packet filter redirects to listen.smtp.")
      .field("control", &DaemonConfig::control, "The socket of deferctl.")
      .field("decisions", &DaemonConfig::decisions, "How many past decisions are kept for `deferctl explain` and `release`.")
      .field("log", &DaemonConfig::log, "Where the log goes.")
      .field("exempt", &DaemonConfig::exempt, "Who is never greylisted, trapped, listed or slowed.")
      .field("plugins", &DaemonConfig::plugins, "The plugins, in the order they are asked; see each plugin's manual.")
      .field("user", &DaemonConfig::user, "User to run as, when started as root.")
      .field("group", &DaemonConfig::group, "Group to run as, when started as root; default the user's.")
      .field("commands", &DaemonConfig::commands, "Programs that plugins start; see deferd(8).")
      .field("helpers", &DaemonConfig::helpers,
             "Programs that are run as root beside deferd when root starts it, each a list of words; see deferd(8).")
      .field("plugin_dirs", &DaemonConfig::plugin_dirs,
             "Directories plugins are loaded from, instead of the installed one. Owned by root or the user deferd runs as.")
      .rule([](const DaemonConfig& config) -> std::string {
        for (const auto& address : config.listen.smtp)
          if (address.to_string() == config.smtp.handover.to)
            return "smtp.handover.to: " + config.smtp.handover.to + " is where deferd itself listens";
        return {};
      })
      .check(check_helpers);
}

LoadedConfig read_what_is_right(const Value& file, Problems& problems) {
  LoadedConfig loaded;
  loaded.config = DaemonConfig::schema().read(file, problems);
  loaded.plugins = read_plugin_entries(loaded.config.plugins, problems);
  return loaded;
}

std::optional<LoadedConfig> read_config(const Value& file, Problems& problems) {
  auto loaded = read_what_is_right(file, problems);
  if (problems.failed()) return std::nullopt;
  return loaded;
}

std::optional<LoadedConfig> load_config(const std::string& path, Problems& problems) {
  const auto file = load_yaml(path, problems);
  if (!file || problems.failed()) return std::nullopt;
  return read_config(*file, problems);
}

}  // namespace deferd
