#include <cstring>

#include "deferd/commands.h"

namespace deferd {

std::string to_string(const CommandEnd& end) {
  switch (end.how) {
    case CommandEnd::How::exited:
      return "the program ended with status " + std::to_string(end.code);
    case CommandEnd::How::killed:
      return "the program was ended by signal " + std::to_string(end.code);
    case CommandEnd::How::not_executed:
      return std::string("the program cannot be executed: ") + std::strerror(end.code);
    case CommandEnd::How::lost:
      break;
  }
  return "the process that ran the program has ended";
}

}  // namespace deferd
