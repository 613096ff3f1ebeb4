// Clients on lists are told so when they connect.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "config_port.h"
#include "deferd/plugin.h"
#include "keeper.h"
#include "plan.h"
#include "shown.h"

namespace deferd::blacklist {

class Blacklist : public Plugin {
 public:
  using Config = blacklist::Config;
  Blacklist(const Config& config, Host& host);

  Verdict on_connect(Context& context) override;
  Result<void> on_command(Context& context, std::string_view command, const Value& args, Rows& rows) override;

  Keeper& keeper() { return keeper_; }
  const ConfigPort* port() const { return port_ ? &*port_ : nullptr; }

 private:
  /// A list with what to do about its clients.
  struct Entry {
    Listing listing;
    Counter* hits = nullptr;
  };

  /// One of the white lists has the client, or was never loaded: it might.
  bool may_be_white(const std::vector<std::size_t>& feeds, const Address& client) const;

  const Plan plan_;
  const ListAction port_action_;
  std::optional<Shown> shown_;  // the keeper's thread works with it
  Keeper keeper_;
  std::vector<Entry> entries_;
  Counter* port_hits_ = nullptr;
  std::optional<ConfigPort> port_;
};

}  // namespace deferd::blacklist
