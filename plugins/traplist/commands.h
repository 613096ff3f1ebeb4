// What deferctl asks of trap addresses and trapped clients; README.md has the arguments.
#pragma once
#include <string_view>

#include "deferd/plugin.h"

namespace deferd::traplist {

class Traplist;

/// For one command.
class Commands {
 public:
  Commands(Context& context, const Traplist& traplist) : context_(context), traplist_(traplist) {}
  Result<void> run(std::string_view command, const Value& args, Rows& rows);

 private:
  Result<void> add(const Value& args, Rows& rows);
  Result<void> import_many(const Value& args, Rows& rows);
  Result<void> remove(const Value& args, Rows& rows);
  Result<void> list(const Value& args, Rows& rows);
  Result<void> show(const Value& args, Rows& rows);
  Result<void> forget(const Value& args, Rows& rows);

  Context& context_;
  const Traplist& traplist_;
};

}  // namespace deferd::traplist
