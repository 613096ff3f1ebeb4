// A plugin to copy. It lets strangers write to a few recipients at a time only; the rest of a long list has to come again.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

#include "deferd/plugin.h"

namespace deferd::example {

struct Config {
  std::uint32_t recipients = 10;                                     ///< As many a message from a stranger.
  std::chrono::seconds remember = std::chrono::hours{24 * 36};       ///< How long a client is no stranger after its last message.
  std::string text = "Too many recipients, please try again later";  ///< What the client hears.
  static Schema<Config> schema();
};

class Example : public Plugin {
 public:
  using Config = example::Config;
  Example(const Config& config, Host& host);

  Verdict on_rcpt(Context& context, const std::string& rcpt) override;
  void on_accepted(Context& context) override;

 private:
  const Config config_;
  Counter& deferred_;
};

}  // namespace deferd::example
