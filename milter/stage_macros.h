// The macros an MTA has defined so far, by the stage it defined them for.
#pragma once
#include <array>
#include <string>
#include <string_view>

#include "milter/envelope.h"
#include "milter/packet.h"

namespace deferd {

/// Used by one thread at a time.
class StageMacros : public Macros {
 public:
  /// A packet's data: the command the macros go with, then names and values. Replaces those of this stage and of later ones.
  void define(std::string_view data);

  void leave_message();  ///< Forgets all but those of the connection: connect and HELO.
  void leave_client();   ///< Forgets all.

  /// The latest stage's that has it. A name of one letter may be in braces or not, at either side.
  std::string_view get(const char* name) const override;

 private:
  enum Stage : std::size_t { connect, helo, mail, rcpt, message, count };
  static Stage stage_of(char command);

  std::array<std::string, count> blocks_;  // name, NUL, value, NUL ...
};

}  // namespace deferd
