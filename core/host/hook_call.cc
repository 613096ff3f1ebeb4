#include "host/hook_call.h"

namespace deferd {

std::string_view to_string(Hook hook) {
  static constexpr std::string_view names[kHooks] = {"connect", "helo",    "mail",     "rcpt",       "data", "headers",
                                                     "reply",   "decided", "accepted", "disconnect", "tick", "table"};
  return names[static_cast<std::size_t>(hook)];
}

void invoke(Plugin& plugin, Context& context, const HookCall& call, HookResult& result) {
  switch (call.hook) {
    case Hook::connect:
      result.verdict = plugin.on_connect(context);
      break;
    case Hook::helo:
      result.verdict = plugin.on_helo(context);
      break;
    case Hook::mail:
      result.verdict = plugin.on_mail(context);
      break;
    case Hook::rcpt:
      result.verdict = plugin.on_rcpt(context, *call.rcpt);
      break;
    case Hook::data:
      result.verdict = plugin.on_data(context);
      break;
    case Hook::headers:
      result.verdict = plugin.on_headers(context);
      break;
    case Hook::reply:
      result.pace = plugin.on_reply(context, *call.decision);
      break;
    case Hook::decided:
      plugin.on_decided(context, *call.decision);
      break;
    case Hook::accepted:
      plugin.on_accepted(context);
      break;
    case Hook::disconnect:
      plugin.on_disconnect(context);
      break;
    case Hook::tick:
      plugin.on_tick(context);
      break;
    case Hook::table:
      plugin.on_table(context, *call.event);
      break;
  }
}

}  // namespace deferd
