#include "harmless.h"

namespace {
constexpr deferd::PluginInfo without_make() {
  auto info = deferd::plugin_info<deferd::Harmless>("incomplete", "1");
  info.make = nullptr;
  return info;
}
}  // namespace

EXPORT_AS_PLUGIN deferd::PluginInfo deferd_plugin = without_make();
