#include "example.h"

#include <array>
#include <string_view>

namespace deferd::example {
namespace {

using namespace std::chrono_literals;

// The one record of a client: there it is, or it is not. Its group is the client's address.
constexpr std::string_view kSeen = "seen";
constexpr std::string_view kRecordVersion = "1";

// What is known of the message under way. Lives in the Context's slot, from MAIL to the next MAIL.
struct Message {
  std::uint32_t recipients = 0;
};

bool seen_before(Context& context) {
  const std::array keys = {kSeen};
  const auto records = or_throw(context.store().read(context.session().client.to_string(), keys));
  return records[0].value.has_value();
}

}  // namespace

Schema<Config> Config::schema() {
  return Schema<Config>{}
      .field("recipients", &Config::recipients, 1u, 1000u, "So many recipients of one message a stranger may name.")
      .field("remember", &Config::remember, 1h, std::chrono::hours{24 * 366},
             "A client is no stranger for so long after its last message.")
      .field("text", &Config::text, "What a deferred client hears after 452 4.5.3.");
}

Example::Example(const Config& config, Host& host)
    : config_(config),
      deferred_(host.counter("deferd_example_deferred_total", {}, "Recipients put off because a stranger named too many.")) {}

Verdict Example::on_rcpt(Context& context, const std::string&) {
  auto& message = context.state<Message>();
  if (++message.recipients <= config_.recipients || seen_before(context)) return Verdict::pass();
  if (!context.dry()) deferred_.add();
  // RFC 5321 section 4.5.3.1.10: the client keeps the recipients it was refused and sends to them again.
  return Verdict::defer({452, "4.5.3", config_.text}, "recipient " + std::to_string(message.recipients) + " of a stranger")
      .tagged("example.many-recipients");
}

void Example::on_accepted(Context& context) {
  const Change change{.key = std::string(kSeen),
                      .value = std::string(kRecordVersion),
                      .expires = context.clock().now() + config_.remember,
                      .expected = {}};
  or_throw(context.store().commit(context.session().client.to_string(), {&change, 1}));
}

}  // namespace deferd::example
