// `deferd --daemon`: into the background, and the shell is told whether it worked.
#pragma once

namespace deferd {

/// Standard input, output and error that are closed become /dev/null: else the next file that is opened is taken for one of them.
void open_standard_streams();

/// Standard input, output and error become /dev/null.
void detach_from_terminal();

/// The process that lives on in the background, in a session of its own.
///
///   auto background = Background::enter();   // the process that was started waits here
///   ... start everything; errors go to the terminal, and leaving is reported with its exit code ...
///   background.ready();                      // the process that was started exits 0
class Background {
 public:
  /// Forks; call it before any thread exists. Returns in the new process only: the old one exits with 0 once ready() is called,
  /// else with the exit code of the new one (70 if it was killed). Throws ErrorException: io.
  static Background enter();

  /// Detaches from the terminal.
  void ready();

  Background(Background&& other) noexcept;
  Background& operator=(Background&&) = delete;
  ~Background();

 private:
  explicit Background(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace deferd
