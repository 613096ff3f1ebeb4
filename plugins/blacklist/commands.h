// What deferctl asks of the lists; README.md has the arguments.
#pragma once
#include <string_view>

#include "config_port.h"
#include "deferd/plugin.h"
#include "keeper.h"
#include "plan.h"

namespace deferd::blacklist {

/// For one command.
class Commands {
 public:
  /// `port` may be null.
  Commands(Context& context, const Plan& plan, ListAction port_action, Keeper& keeper, const ConfigPort* port)
      : context_(context), plan_(plan), port_action_(port_action), keeper_(keeper), port_(port) {}

  Result<void> run(std::string_view command, const Value& args, Rows& rows);

 private:
  Result<void> lists(Rows& rows);
  Result<void> refresh(const Value& args, Rows& rows);
  Result<void> test(const Value& args, Rows& rows);
  Value row_of(std::size_t feed) const;
  Value row_of(const Pushed& pushed) const;
  Value place_of(std::size_t feed, const Address& client) const;
  std::string names(const std::vector<std::size_t>& feeds, const Address& client) const;

  Context& context_;
  const Plan& plan_;
  const ListAction port_action_;
  Keeper& keeper_;
  const ConfigPort* const port_;
};

}  // namespace deferd::blacklist
