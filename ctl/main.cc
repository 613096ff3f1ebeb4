#include <sys/ioctl.h>
#include <unistd.h>

#include <exception>
#include <iostream>

#include "ctl/cli.h"
#include "ctl/exit_code.h"

namespace {

std::size_t terminal_width() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

}  // namespace

int main(int count, char** words) {
  std::ios::sync_with_stdio(false);
  try {
    const int code = deferd::ctl::run({words + 1, words + count}, {std::cout, std::cerr, terminal_width()});
    std::cout.flush();
    if (!std::cout) {
      std::cerr << "deferctl: cannot write the output\n";
      return deferd::ctl::kFailed;
    }
    return code;
  } catch (const std::exception& error) {
    std::cerr << "deferctl: " << error.what() << '\n';
    return deferd::ctl::kFailed;
  }
}
