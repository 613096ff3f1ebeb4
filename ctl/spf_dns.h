// DNS for walking SPF records: c-ares, one question at a time.
#pragma once
#include <memory>

#include "ctl/spf_walk.h"

namespace deferd::spf {

class DnsResolver final : public Resolver {
 public:
  /// `server`: ADDRESS or ADDRESS:PORT, an IPv6 address with a port in brackets; empty: those of the system. Errors: invalid (no
  /// such address), unavailable (c-ares does not start).
  static Result<std::unique_ptr<DnsResolver>> make(const std::string& server);
  ~DnsResolver() override;

  /// Each asks every server three times, 10 seconds if there is one, and by TCP where an answer does not fit into a packet.
  Result<std::vector<std::string>> texts(const std::string& name) override;
  Result<std::vector<Address>> addresses(const std::string& name) override;
  Result<std::vector<std::string>> exchangers(const std::string& name) override;

 private:
  struct Channel;
  explicit DnsResolver(std::unique_ptr<Channel> channel);
  std::unique_ptr<Channel> channel_;
};

}  // namespace deferd::spf
