// The way to one helper: connected, or started, when somebody asks for it; bytes go both ways and nothing blocks.
#pragma once
#include <memory>
#include <string>

#include "deferd/commands.h"
#include "deferd/result.h"
#include "pfbridge/helper_place.h"

namespace deferd::pfbridge {

/// One thread.
class Channel {
 public:
  explicit Channel(HelperPlace place) : place_(std::move(place)) {}
  /// Hangs up. A started program is left alone: it stays until it sees that deferd does not come back, and lets everybody pass.
  ~Channel();
  Channel(Channel&& other) noexcept;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Errors: unavailable, and those of Commands::start().
  Result<void> open(Commands& commands);
  /// Hangs up, and kills the program: another one shall take its place, and if this one were asked to end it would let everybody
  /// pass. One that may not be killed (another user's, another machine's) ends by itself; its successor undoes what it does then.
  void close();

  bool is_open() const { return descriptor() >= 0; }
  int descriptor() const { return started_ ? started_->descriptor() : socket_; }

  /// Appends what has come. Errors: unavailable, at its end.
  Result<void> read(std::string& into);
  /// Takes away what could be sent. Errors: unavailable.
  Result<void> write(std::string& from);

 private:
  Result<void> connect();
  Result<void> start(Commands& commands);
  Error gone() const;

  HelperPlace place_;
  int socket_ = -1;
  std::unique_ptr<Running> started_;
};

}  // namespace deferd::pfbridge
