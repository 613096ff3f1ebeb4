#include "pfbridge/helper/lifeline.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

namespace deferd::bridge {

Lifeline::Lifeline(int input) {
  struct stat status {};
  if (::fstat(input, &status) != 0 || !S_ISFIFO(status.st_mode)) return;
  ::fcntl(input, F_SETFL, ::fcntl(input, F_GETFL) | O_NONBLOCK);
  input_ = input;
}

bool Lifeline::is_cut() {
  std::array<char, 256> said;
  if (input_ < 0 || ::read(input_, said.data(), said.size()) != 0) return cut_;
  input_ = -1;
  return cut_ = true;
}

}  // namespace deferd::bridge
