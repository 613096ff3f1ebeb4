#include "harmless.h"

namespace {
constexpr deferd::PluginInfo longer() {
  auto info = deferd::plugin_info<deferd::Harmless>("other_size", "1");
  info.size += 8;
  return info;
}
}  // namespace

EXPORT_AS_PLUGIN deferd::PluginInfo deferd_plugin = longer();
