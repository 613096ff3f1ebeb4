#include "harmless.h"

namespace {
constexpr deferd::PluginInfo foreign() {
  auto info = deferd::plugin_info<deferd::Harmless>("other_toolchain", "1");
  info.toolchain = "vax libcvax";
  return info;
}
}  // namespace

EXPORT_AS_PLUGIN deferd::PluginInfo deferd_plugin = foreign();
