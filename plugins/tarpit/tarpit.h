// How slowly clients hear that they are turned away. The plugin only wishes (on_reply); the front end stutters.
#pragma once
#include "config.h"
#include "deferd/plugin.h"

namespace deferd::tarpit {

class Tarpit : public Plugin {
 public:
  using Config = tarpit::Config;
  Tarpit(Config config, Host& host);

  Pace on_reply(Context& context, const Decision& decision) override;

 private:
  bool is_held(Context& context) const;

  const Config config_;
  Counter& held_;
  Counter& stuttered_;
  Counter& delayed_;
};

}  // namespace deferd::tarpit
