// Where deferd speaks to the helper: standard input and output, or a Unix socket that it connects to, one connection at a time.
#pragma once
#include <poll.h>

#include <span>
#include <string>

namespace deferd::bridge {

/// One thread. Does not block.
class Stream {
 public:
  /// Standard input and output.
  Stream();
  /// A socket at `path`, mode 0600, of the user `owner` (empty: ours). An abandoned one in its place is replaced, one that
  /// somebody listens on is not. Its folder is root's and nobody else may write there, or it is that of `owner`; what is above
  /// the folder is root's.
  Stream(const std::string& path, const std::string& owner, std::string& error);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  enum class Event : unsigned char {
    nothing,
    connected,  ///< Somebody is there; perhaps in the place of the one before.
    bytes,      ///< Taken into `input`.
    ended,      ///< Who was there has gone. Of standard input: for good.
  };

  /// Waits for up to `milliseconds`, or until one of the descriptors `others` can be read, sending what is in `output` meanwhile.
  /// Who has closed his end for writing still gets what is in `output`; then he counts as gone.
  Event wait(std::string& output, std::string& input, int milliseconds, std::span<const int> others = {});

  /// Hangs up on who is there.
  void hang_up();
  bool over() const { return listener_ < 0 && output_ < 0; }

 private:
  Event accept();
  bool send(std::string& output);
  bool receive(std::string& input);

  int listener_ = -1;
  int input_ = -1, output_ = -1;  // one socket, or two descriptors
  bool ended_ = false;            // nothing more comes from input_
  std::string path_;
};

}  // namespace deferd::bridge
