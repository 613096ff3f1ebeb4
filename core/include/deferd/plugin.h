// The plugin API: derive from Plugin, override what you need, export it with DEFERD_PLUGIN in a file of its own (module.cc).
//
// Threads: hooks of one session never overlap, hooks of different sessions do. on_tick, on_table and on_command run on
// background threads alongside them. Hooks may block (a look-up, a query): they never run on an I/O thread; but a hook that
// overruns its budget is no longer waited for, and one that does so often is put aside for a while.
//
// Errors: a hook that throws counts as on_error says (default pass); it is logged and counted. Mail fails open.
//
// Which verdict counts: the first in configuration order; see docs/architecture.md.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "deferd/host.h"
#include "deferd/schema.h"
#include "deferd/session.h"
#include "deferd/value.h"
#include "deferd/verdict.h"

/// Major: anything a built plugin would notice. Minor: appended virtuals, hooks, stages and fields at the end of what crosses by
/// reference. A daemon loads plugins of its own major with a minor up to its own.
#define DEFERD_PLUGIN_ABI_MAJOR 1
#define DEFERD_PLUGIN_ABI_MINOR 2

namespace deferd {

/// Takes the lines a command answers with, one map a line.
class Rows {
 public:
  virtual ~Rows() = default;
  virtual bool row(const Value& row) = 0;  ///< False: nobody reads any longer, stop.
};

/// Virtuals are append-only within a major.
class Plugin {
 public:
  virtual ~Plugin() = default;
  virtual Verdict on_connect(Context&) { return {}; }
  virtual Verdict on_helo(Context&) { return {}; }
  virtual Verdict on_mail(Context&) { return {}; }
  virtual Verdict on_rcpt(Context&, const std::string& /*rcpt, without <>*/) { return {}; }
  virtual Verdict on_data(Context&) { return {}; }     ///< All recipients are known: session().rcpt_to.
  virtual Verdict on_headers(Context&) { return {}; }  ///< End of headers: session().headers.

  /// After a decision, before the client hears it: how slowly it shall. The front end waits, no thread of a plugin. A milter can
  /// only delay; the SMTP front end can all that Pace says.
  virtual Pace on_reply(Context&, const Decision&) { return {}; }
  /// After every decision on a recipient, whoever made it: for learning. It changes nothing any more.
  virtual void on_decided(Context&, const Decision&) {}
  /// The message reached its end and was let in for session().rcpt_to.
  virtual void on_accepted(Context&) {}
  virtual void on_disconnect(Context&) {}                ///< Always called if another hook of the session was.
  virtual void on_tick(Context&) {}                      ///< About once a minute.
  virtual void on_table(Context&, const TableEvent&) {}  ///< A table changed, in commit order; at least once.

  /// A command of `deferctl` for this plugin ("list", "show", "delete", "expect" ...; the names are the plugin's own, see its
  /// manual). Errors: not_found (no such command, no such thing), invalid (arguments), and the store's.
  virtual Result<void> on_command(Context&, std::string_view command, const Value& /*args*/, Rows&) {
    return fail(Errc::not_found, "no such command: " + std::string(command));
  }
};

/// A bit each hook; a hook that is not overridden is never called, and its stage not even negotiated.
namespace hook {
inline constexpr std::uint32_t connect = 1u << 0;
inline constexpr std::uint32_t helo = 1u << 1;
inline constexpr std::uint32_t mail = 1u << 2;
inline constexpr std::uint32_t rcpt = 1u << 3;
inline constexpr std::uint32_t data = 1u << 4;
inline constexpr std::uint32_t headers = 1u << 5;
inline constexpr std::uint32_t reply = 1u << 6;
inline constexpr std::uint32_t decided = 1u << 7;
inline constexpr std::uint32_t accepted = 1u << 8;
inline constexpr std::uint32_t disconnect = 1u << 9;
inline constexpr std::uint32_t tick = 1u << 10;
inline constexpr std::uint32_t table = 1u << 11;
inline constexpr std::uint32_t command = 1u << 12;
}  // namespace hook

/// What the shared object exports as `deferd_plugin`. The order of the first five members is for ever.
struct PluginInfo {
  std::uint16_t abi_major;
  std::uint16_t abi_minor;
  std::uint32_t size;     ///< sizeof(PluginInfo) as built.
  const char* toolchain;  ///< Architecture, standard library and its string ABI; must equal the daemon's.
  const char* name;       ///< "greylist": what the configuration calls it.
  const char* version;    ///< Of the plugin, for people.
  std::uint32_t hooks;    ///< Computed: &T::on_x differs from &Plugin::on_x.
  std::unique_ptr<Plugin> (*make)(const Value& config, Host& host);  ///< May throw ConfigError, ErrorException.
  void (*check)(const Value& config, Problems& problems);            ///< `deferd -t`: all that is wrong, without side effects.
  void (*describe)(std::vector<FieldDoc>& fields);                   ///< For the manual.
};

#if defined(__x86_64__)
#define DEFERD_ARCH_ "x86_64"
#elif defined(__aarch64__)
#define DEFERD_ARCH_ "aarch64"
#elif defined(__riscv)
#define DEFERD_ARCH_ "riscv"
#elif defined(__i386__)
#define DEFERD_ARCH_ "i386"
#elif defined(__arm__)
#define DEFERD_ARCH_ "arm"
#else
#define DEFERD_ARCH_ "other"
#endif
#if defined(_GLIBCXX_USE_CXX11_ABI)
#if _GLIBCXX_USE_CXX11_ABI
#define DEFERD_STDLIB_ "libstdc++-cxx11"
#else
#define DEFERD_STDLIB_ "libstdc++-old"
#endif
#elif defined(_LIBCPP_VERSION)
#define DEFERD_STDLIB_ "libc++"
#else
#define DEFERD_STDLIB_ "other"
#endif
inline constexpr const char* kToolchain = DEFERD_ARCH_ " " DEFERD_STDLIB_;

namespace detail {
// clang-format off
template <class T>
constexpr std::uint32_t hooks_of() {
  std::uint32_t mask = 0;
#define DEFERD_HOOK_(name) \
  if constexpr (!std::is_same_v<decltype(&T::on_##name), decltype(&Plugin::on_##name)>) mask |= hook::name;
  DEFERD_HOOK_(connect) DEFERD_HOOK_(helo) DEFERD_HOOK_(mail) DEFERD_HOOK_(rcpt) DEFERD_HOOK_(data) DEFERD_HOOK_(headers)
  DEFERD_HOOK_(reply) DEFERD_HOOK_(decided) DEFERD_HOOK_(accepted) DEFERD_HOOK_(disconnect) DEFERD_HOOK_(tick)
  DEFERD_HOOK_(table) DEFERD_HOOK_(command)
#undef DEFERD_HOOK_
  return mask;
}
// clang-format on
template <class T>
std::unique_ptr<Plugin> make_plugin(const Value& config, Host& host) {
  return std::make_unique<T>(read_or_throw<typename T::Config>(config), host);
}
template <class T>
void check_plugin(const Value& config, Problems& problems) {
  T::Config::schema().read(config, problems);
}
template <class T>
void describe_plugin(std::vector<FieldDoc>& fields) {
  fields = T::Config::schema().describe();
}
}  // namespace detail

/// The PluginInfo of a plugin class T with `struct Config { static Schema<Config> schema(); }` and `T(Config, Host&)`.
template <class T>
constexpr PluginInfo plugin_info(const char* name, const char* version) {
  return {DEFERD_PLUGIN_ABI_MAJOR,
          DEFERD_PLUGIN_ABI_MINOR,
          sizeof(PluginInfo),
          kToolchain,
          name,
          version,
          detail::hooks_of<T>(),
          &detail::make_plugin<T>,
          &detail::check_plugin<T>,
          &detail::describe_plugin<T>};
}

}  // namespace deferd

#define DEFERD_PLUGIN(Class, name, version)                                                  \
  extern "C" __attribute__((visibility("default"))) const deferd::PluginInfo deferd_plugin = \
      deferd::plugin_info<Class>(name, version)
