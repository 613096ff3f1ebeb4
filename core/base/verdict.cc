#include "deferd/verdict.h"

namespace deferd {

std::string_view to_string(Action action) {
  switch (action) {
    case Action::pass:
      return "pass";
    case Action::accept:
      return "accept";
    case Action::defer:
      return "defer";
    case Action::reject:
      return "reject";
    case Action::close:
      return "close";
  }
  return "unknown";
}

std::string_view to_string(Stage stage) {
  switch (stage) {
    case Stage::connect:
      return "connect";
    case Stage::helo:
      return "helo";
    case Stage::mail:
      return "mail";
    case Stage::rcpt:
      return "rcpt";
    case Stage::data:
      return "data";
    case Stage::headers:
      return "headers";
  }
  return "unknown";
}

}  // namespace deferd
