// What the monitor and its worker say to each other, over three Unix sockets: one on which the worker tells how it does, and
// whose end is the end of the other process; one on which it asks for files that only root can read; and one on which it gets the
// channel to each process that is started to run commands for it.
#pragma once
#include <poll.h>

#include <mutex>
#include <optional>

#include "ops/descriptors.h"
#include "ops/notify.h"
#include "smtp/tls.h"

namespace deferd {

/// One end.
struct LinkEnd {
  Descriptor life;
  Descriptor files;
  Descriptor channels;
};
/// Throws ErrorException: io.
std::pair<LinkEnd, LinkEnd> make_link();

/// Each is one byte.
enum class Notice : char {
  ready = 'r',
  reloading = 'l',
  reloaded = 'n',  ///< The configuration now in the file is in force.
  stopping = 's',
  alive = 'a',
};

/// The worker's end. Thread-safe. A monitor that does not read misses what it is told.
class MonitorLink : public Progress {
 public:
  MonitorLink(LinkEnd end, std::optional<std::chrono::microseconds> watchdog);

  void ready() override { tell(Notice::ready); }
  void reloading(SteadyTime) override { tell(Notice::reloading); }
  void reloaded() { tell(Notice::reloaded); }
  void stopping() override { tell(Notice::stopping); }
  void alive() override { tell(Notice::alive); }
  std::optional<std::chrono::microseconds> watchdog() const override { return watchdog_; }

  /// Ready once the monitor is gone.
  pollfd gone() const { return {end_.life.get(), POLLIN, 0}; }

  /// The file of the certificate that the worker's configuration names, once it serves the configuration file at present, opened
  /// by the monitor; empty, with errno, if it cannot. Waits for at most 10 s.
  Descriptor open(smtp::TlsFile which);

  /// The channel to the latest CommandRunner, if one was started since it was last asked; empty if not. Does not wait.
  Descriptor next_channel();

 private:
  void tell(Notice notice);

  const std::optional<std::chrono::microseconds> watchdog_;
  std::mutex asking_;
  LinkEnd end_;
};

/// The monitor's end. A worker that says anything else is not listened to any more.
class WorkerLink {
 public:
  explicit WorkerLink(LinkEnd end) : end_(std::move(end)) {}

  pollfd notices() const { return {end_.life.get(), POLLIN, 0}; }
  pollfd questions() const { return {end_.files.get(), POLLIN, 0}; }

  /// Nullopt: there is none at present. Errors: unavailable (it has ended), invalid; the link is of no use any more.
  Result<std::optional<Notice>> notice();
  /// Nullopt: there is none at present. Errors: unavailable, invalid; there will be no more questions.
  Result<std::optional<smtp::TlsFile>> question();
  /// The file, or an empty descriptor with errno's `error`.
  void answer(const Descriptor& file, int error);
  /// The worker's end of the channel to a CommandRunner. Errors: busy (it takes none), unavailable, io.
  Result<void> lend_channel(const Descriptor& channel);

 private:
  LinkEnd end_;
};

}  // namespace deferd
