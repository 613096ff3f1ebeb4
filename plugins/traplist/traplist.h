// Whoever writes to an address that no honest sender has is trapped. README.md tells what is a hit, and what a trap may do.
#pragma once
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config.h"
#include "deferd/matchlist.h"
#include "deferd/plugin.h"
#include "low_priority.h"
#include "mx_probe.h"
#include "publisher.h"
#include "recipients.h"
#include "trap_addresses.h"

namespace deferd::traplist {

/// The source of our rows in the table `trapped`.
inline constexpr std::string_view kSource = "traplist";

/// What a hit is, as metrics and reasons name it.
enum class Hit : std::uint8_t { address, domain, low_priority, unknown };
inline constexpr std::pair<Hit, std::string_view> kHitNames[] = {{Hit::address, "address"},
                                                                 {Hit::domain, "domain"},
                                                                 {Hit::low_priority, "low_priority_mx"},
                                                                 {Hit::unknown, "unknown_recipient"}};

class Traplist : public Plugin {
 public:
  using Config = traplist::Config;
  Traplist(Config config, Host& host) : Traplist(std::move(config), host, nullptr) {}
  /// `better`, which outlives it: what is known of the better MXs, instead of asking them. For tests.
  Traplist(Config config, Host& host, BetterMx* better);

  Verdict on_rcpt(Context& context, const std::string& rcpt) override;
  void on_disconnect(Context& context) override;
  Result<void> on_command(Context& context, std::string_view command, const Value& args, Rows& rows) override;

  /// Where a folded address is a trap by: "the configuration", a file, "an operator"; nothing if it is none.
  std::optional<std::string> trap_of(Store& store, std::string_view folded) const;
  Prefix unit_of(const Address& client) const;  ///< What of a client is trapped.

 private:
  struct Found {
    Hit hit = Hit::address;
    std::string evidence;
  };
  std::optional<Found> look(Context& context, std::string_view folded);
  std::optional<Found> look_at_mx(Context& context, std::string_view folded);
  bool is_foreign(std::string_view folded) const;
  bool may_be_new(Context& context);
  bool was_at_better_mx(Context& context) const;
  void remember_at_better_mx(Context& context) const;
  void watch_better_mx(Host& host, BetterMx* given);
  bool trap(Context& context, const Found& found, unsigned limit, std::string_view counter);
  void revoke_white(Context& context, Time trapped);
  Verdict refuse(const Session& session, std::string reason) const;

  const Config config_;
  std::shared_ptr<LoadedFiles> loaded_;
  const TrapAddresses traps_;
  MailList ours_;
  bool checks_domains_ = false;
  std::vector<std::shared_ptr<const MailList>> our_files_;
  std::array<Counter*, std::size(kHitNames)> hits_{};
  Counter& trapped_;
  Counter& lookup_failures_;
  std::optional<Recipients> recipients_;
  std::unique_ptr<BetterMx> better_;
  std::unique_ptr<MxProbe> probe_;
  std::unique_ptr<LowPriority> low_priority_;
  std::unique_ptr<Publisher> publisher_;
};

}  // namespace deferd::traplist
