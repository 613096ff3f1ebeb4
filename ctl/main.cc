#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string_view>

#include "ctl/cli.h"
#include "ctl/exit_code.h"
#include "ctl/spamdb.h"

namespace {

std::size_t terminal_width() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/// What it was called as, without folders.
std::string_view name_in(std::string_view path) { return path.substr(path.rfind('/') + 1); }

int run_as(std::string_view name, const std::vector<std::string>& words, const deferd::ctl::Screen& screen) {
  if (name != "spamdb") return deferd::ctl::run(words, screen);
  const char* socket = std::getenv("DEFERD_SOCKET");
  return deferd::ctl::run_spamdb(words, socket != nullptr ? socket : DEFERD_CONTROL_SOCKET, screen);
}

}  // namespace

int main(int count, char** words) {
  std::ios::sync_with_stdio(false);
  const auto name = count > 0 ? name_in(words[0]) : std::string_view("deferctl");
  const int failed = name == "spamdb" ? 1 : deferd::ctl::kFailed;
  try {
    const int code = run_as(name, {words + std::min(count, 1), words + count}, {std::cout, std::cerr, terminal_width()});
    std::cout.flush();
    if (std::cout) return code;
    std::cerr << name << ": cannot write the output\n";
  } catch (const std::exception& error) {
    std::cerr << name << ": " << error.what() << '\n';
  }
  return failed;
}
