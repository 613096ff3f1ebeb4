// Whether whoever started the helper is still there, if he gave it a pipe as standard input.
#pragma once

namespace deferd::bridge {

/// For a helper that is spoken to over a socket. deferd's monitor holds the other end of its standard input, says nothing there,
/// and is gone when that ends, however it ended: OpenBSD has no signal for that as Linux and FreeBSD have (prctl(2), procctl(2)).
/// What is no pipe, such as the /dev/null of a service, tells nothing. One thread.
class Lifeline {
 public:
  /// `input`: a descriptor, not ours; -1: there is none.
  explicit Lifeline(int input);

  /// To be polled for reading, then ask is_cut(); -1: nobody holds the other end.
  int descriptor() const { return input_; }

  /// Whether the other end is closed. Does not wait; what may have been said is thrown away.
  bool is_cut();

 private:
  int input_ = -1;
  bool cut_ = false;
};

}  // namespace deferd::bridge
