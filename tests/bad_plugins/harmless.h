// A plugin without a fault and without a use: what is wrong with the libraries built from it is wrong with what they export.
#pragma once
#include "deferd/plugin.h"

namespace deferd {

class Harmless : public Plugin {
 public:
  struct Config {
    static Schema<Config> schema() { return {}; }
  };
  Harmless(const Config&, Host&) {}
};

}  // namespace deferd

#define EXPORT_AS_PLUGIN extern "C" __attribute__((visibility("default"))) const
