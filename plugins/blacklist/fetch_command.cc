// A program's output as a list.
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "deferd/commands.h"
#include "source.h"

namespace deferd::blacklist {
namespace {

using std::chrono::steady_clock;
constexpr int kLookForStop = 100;  // milliseconds: how often it is seen whether to stop
constexpr int kLookForEnd = 10;    // milliseconds: how often it is seen whether a program that says nothing more has ended

/// Hands on the program's output, and bounds it.
class Output {
 public:
  Output(int descriptor, const FetchLimits& limits, const Watch& watch, const Take& take)
      : descriptor_(descriptor), limits_(limits), watch_(watch), take_(take), piece_(64 * 1024) {}

  /// One read of what does not block. False at the end. Errors: io; invalid: too large; and what `take` fails with.
  Result<bool> read_some() {
    const auto got = ::read(descriptor_, piece_.data(), piece_.size());
    if (got < 0 && errno != EINTR && errno != EAGAIN) return fail(Errc::io, std::strerror(errno));
    if (got <= 0) return got < 0;
    watch_.progress.bytes += static_cast<std::uint64_t>(got);
    if (watch_.progress.bytes > limits_.bytes)
      return fail(Errc::invalid, "is larger than " + std::to_string(limits_.bytes) + " bytes");
    auto taken = take_({piece_.data(), static_cast<std::size_t>(got)});
    return taken ? Result<bool>(true) : tl::unexpected(taken.error());
  }

 private:
  const int descriptor_;
  const FetchLimits& limits_;
  const Watch& watch_;
  const Take& take_;
  std::vector<char> piece_;
};

}  // namespace

Result<Fetched> fetch_command(const std::vector<std::string>& words, const FetchLimits& limits, const Watch& watch,
                              const Take& take) {
  if (::geteuid() == 0) return fail(Errc::invalid, "programs are not run as root: let deferd change to its own user");
  if (watch.commands == nullptr) return fail(Errc::unavailable, "no programs are run here");
  const auto end = steady_clock::now() + limits.time;
  Command command;
  command.words = words;
  const auto running = watch.commands->start(command);
  if (!running) return tl::unexpected(running.error());
  Output output((*running)->descriptor(), limits, watch, take);

  for (bool open = true;;) {
    const auto ended = (*running)->ended();  // also while there is something to read: what it has left behind is killed
    if (ended && !open) return ended->well() ? Result<Fetched>(Fetched{}) : fail(Errc::unavailable, to_string(*ended));
    if (watch.stop) return fail(Errc::unavailable, "was stopped");
    if (steady_clock::now() >= end) return fail(Errc::unavailable, "the program did not end in time");
    pollfd waiting{(*running)->descriptor(), POLLIN, 0};
    const int ready = ::poll(&waiting, open ? 1 : 0, open ? kLookForStop : kLookForEnd);
    if (ready == 0 && ended) open = false;  // it has written all that it will, whoever else has the other end
    if (ready <= 0) continue;
    const auto more = output.read_some();
    if (!more) return tl::unexpected(more.error());
    open = *more;
  }
}

}  // namespace deferd::blacklist
