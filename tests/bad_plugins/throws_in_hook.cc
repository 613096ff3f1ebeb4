// Throws in one of its hooks, or in each of them.
#include <stdexcept>

#include "deferd/plugin.h"

namespace deferd {

enum class Thrown : std::uint8_t { exception, number };
template <>
struct Choices<Thrown> {
  static constexpr std::pair<std::string_view, Thrown> values[] = {{"exception", Thrown::exception}, {"number", Thrown::number}};
};

class ThrowsInHook : public Plugin {
 public:
  struct Config {
    std::string hook = "all";
    Thrown what = Thrown::exception;
    static Schema<Config> schema() {
      return Schema<Config>{}
          .field("hook", &Config::hook, "The hook that throws, for example rcpt; the others pass.")
          .field("what", &Config::what, "A std::exception, or something that is none.");
    }
  };
  ThrowsInHook(const Config& config, Host&) : config_(config) {}

  Verdict on_connect(Context&) override { return answer("connect"); }
  Verdict on_helo(Context&) override { return answer("helo"); }
  Verdict on_mail(Context&) override { return answer("mail"); }
  Verdict on_rcpt(Context&, const std::string&) override { return answer("rcpt"); }
  Verdict on_data(Context&) override { return answer("data"); }
  Verdict on_headers(Context&) override { return answer("headers"); }
  Pace on_reply(Context&, const Decision&) override {
    answer("reply");
    return {};
  }
  void on_decided(Context&, const Decision&) override { answer("decided"); }
  void on_accepted(Context&) override { answer("accepted"); }
  void on_disconnect(Context&) override { answer("disconnect"); }
  void on_tick(Context&) override { answer("tick"); }
  void on_table(Context&, const TableEvent&) override { answer("table"); }
  Result<void> on_command(Context&, std::string_view, const Value&, Rows&) override {
    answer("command");
    return {};
  }

 private:
  Verdict answer(std::string_view hook) const {
    if (config_.hook != hook && config_.hook != "all") return {};
    if (config_.what == Thrown::number) throw 42;
    throw std::runtime_error("thrown in on_" + std::string(hook));
  }

  const Config config_;
};

}  // namespace deferd

DEFERD_PLUGIN(deferd::ThrowsInHook, "throws_in_hook", "1");
