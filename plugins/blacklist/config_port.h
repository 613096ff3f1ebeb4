// The configuration port of spamd(8): takes what spamd-setup(8) sends.
#pragma once
#include <atomic>
#include <memory>
#include <thread>

#include "config_port_address.h"
#include "pushed.h"

namespace deferd::blacklist {

/// A listening socket, and the lists that came by it. Shared by the plugins of an old and a new configuration.
class ConfigSocket {
 public:
  /// Errors: io.
  static Result<std::shared_ptr<ConfigSocket>> open(const PortAddress& address);
  ~ConfigSocket();
  ConfigSocket(const ConfigSocket&) = delete;
  ConfigSocket& operator=(const ConfigSocket&) = delete;

  int descriptor() const { return descriptor_; }
  const PortAddress& asked_for() const { return asked_for_; }
  PortAddress bound() const;  ///< With the port that the system chose for 0.
  PushedLists& lists() { return lists_; }

 private:
  ConfigSocket(const PortAddress& address, int descriptor) : asked_for_(address), descriptor_(descriptor) {}

  const PortAddress asked_for_;
  const int descriptor_;
  PushedLists lists_;
};

/// Serves it by a thread: one caller after the other, each heard to its end, then read; nothing is answered. A caller that says
/// more than kMostBytes, or takes longer than kLongest, is not listened to.
class ConfigPort {
 public:
  static constexpr std::size_t kMostBytes = 128 << 20;
  static constexpr auto kLongest = std::chrono::seconds(60);
  using MayConfigure = bool (*)(const PortAddress& caller);

  /// `may_configure` is another than usual in tests only, which cannot connect from a reserved port.
  ConfigPort(
      std::shared_ptr<ConfigSocket> socket, const Copies& copies, Host& host,
      MayConfigure may_configure = [](const PortAddress& caller) { return caller.may_configure(); });
  ~ConfigPort();
  ConfigPort(const ConfigPort&) = delete;
  ConfigPort& operator=(const ConfigPort&) = delete;

  const ConfigSocket& socket() const { return *socket_; }
  const std::shared_ptr<ConfigSocket>& shared_socket() const { return socket_; }
  const PushedLists& lists() const { return socket_->lists(); }

 private:
  void run();
  void serve(int descriptor, const PortAddress& caller);
  Result<std::string> hear(int descriptor) const;
  bool wait(int descriptor, std::chrono::steady_clock::time_point end) const;

  const std::shared_ptr<ConfigSocket> socket_;
  const Copies& copies_;
  Host& host_;
  const MayConfigure may_configure_;
  Counter& taken_;
  Counter& refused_;
  int stop_[2] = {-1, -1};  // a pipe: closing its far end ends every wait
  std::thread thread_;
};

}  // namespace deferd::blacklist
