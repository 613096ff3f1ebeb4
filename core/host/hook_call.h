// One call of one hook: which, with what, and what came back.
#pragma once
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "deferd/plugin.h"

namespace deferd {

enum class Hook : std::uint8_t { connect, helo, mail, rcpt, data, headers, reply, decided, accepted, disconnect, tick, table };
inline constexpr std::size_t kHooks = 12;
inline constexpr std::uint32_t bit(Hook hook) { return 1u << static_cast<std::uint32_t>(hook); }
static_assert(bit(Hook::table) == hook::table && bit(Hook::reply) == hook::reply && bit(Hook::rcpt) == hook::rcpt);
std::string_view to_string(Hook hook);

/// The arguments besides the Context. Pointers are valid during the call only.
struct HookCall {
  Hook hook = Hook::connect;
  const std::string* rcpt = nullptr;   ///< Hook::rcpt
  const Decision* decision = nullptr;  ///< Hook::reply, Hook::decided
  const TableEvent* event = nullptr;   ///< Hook::table
};

struct HookResult {
  Verdict verdict;
  Pace pace;
  std::string fault;  ///< Empty, or why there is no answer: "timeout", "quarantined", "exception: ...".
};

/// Calls the plugin; lets its exceptions through.
void invoke(Plugin& plugin, Context& context, const HookCall& call, HookResult& result);

/// A plugin's own state of one transaction. Shared, so that a call nobody waits for any longer keeps what it uses.
struct Slot {
  std::shared_ptr<void> state;
};

/// What a call sees besides the plugin's own.
struct CallScope {
  const Session& session;
  Store& store;
  Tables& tables;
  std::shared_ptr<Slot>& slot;  ///< Made when first used; left to a call that is given up, so that later hooks do not meet it.
  bool dry = false;
  std::shared_ptr<void> keep{};  ///< Owner of store and tables (an overlay), if they may go before a late call ends.
};

}  // namespace deferd
