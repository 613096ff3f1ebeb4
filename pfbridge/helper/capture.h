// A source of connections that the packet filter let through: pflogN, a group of NFLOG, or a capture file. By libpcap where there
// is one.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "pfbridge/helper/options.h"
#include "pfbridge/helper/packet.h"

namespace deferd::bridge {

/// One thread.
class Capture {
 public:
  using Take = std::function<void(const Connection&)>;
  enum class State : unsigned char { open, ended, failed };

  virtual ~Capture() = default;

  /// To be polled for reading; -1: a file, which always can be read.
  virtual int descriptor() const = 0;

  /// Hands over what was captured meanwhile, some hundred packets at most. Does not wait. What is no beginning of an SMTP
  /// connection is left out.
  virtual State read(const Take& take) = 0;

  /// Why it failed, and what to do about it.
  virtual std::string error() const = 0;
};

/// Opens a device or file. Devices need privileges, reading from them needs none. nullptr, and why: also if it is no log of a
/// packet filter.
std::unique_ptr<Capture> open_capture(const CaptureOption& option, std::string& error);

}  // namespace deferd::bridge
