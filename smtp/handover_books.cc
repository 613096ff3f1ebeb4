#include "smtp/handover_books.h"

#include "smtp/admission.h"

namespace deferd::smtp {

namespace {

constexpr std::size_t kLongestLogged = 200;

Counter& result(Metrics& metrics, std::string_view value) {
  return metrics.counter("deferd_handover_total", {{"result", value}},
                         "Recipients that were handed over to the MTA, by what it answered.");
}

std::string_view first_line(std::string_view reply) {
  return reply.substr(0, reply.find_first_of("\r\n")).substr(0, kLongestLogged);
}

}  // namespace

HandoverBooks::HandoverBooks(Log& log, Metrics& metrics)
    : log_(log),
      accepted_(result(metrics, "accepted")),
      deferred_(result(metrics, "deferred")),
      rejected_(result(metrics, "rejected")),
      unavailable_(result(metrics, "unavailable")),
      open_gauge_(metrics.gauge("deferd_handover_open", {}, "Clients that the MTA serves through us at present.")),
      ready_(metrics.gauge("deferd_handover_ready", {}, "1: the last probe of the MTA was good; 0: nobody is handed over.")) {}

HandoverPlace::HandoverPlace(HandoverBooks& books, const Address& client, bool leads, int most_led)
    : books_(books), network_(network_of(client)) {
  const std::lock_guard lock(books_.mutex_);
  if (leads) {
    const auto of_network = books_.led_of_.find(network_);
    refused_ = books_.led_ >= most_led || (of_network != books_.led_of_.end() && of_network->second >= (most_led + 3) / 4);
    led_ = !refused_;
  }
  if (led_) {
    ++books_.led_;
    ++books_.led_of_[network_];
  }
  books_.open_gauge_.set(++books_.open_);
}

HandoverPlace::~HandoverPlace() {
  const std::lock_guard lock(books_.mutex_);
  if (led_) {
    --books_.led_;
    if (--books_.led_of_[network_] == 0) books_.led_of_.erase(network_);
  }
  books_.open_gauge_.set(--books_.open_);
}

int HandoverBooks::open() const {
  const std::lock_guard lock(mutex_);
  return open_;
}

void HandoverBooks::note(const Address& client, std::string_view result, Counter& counter, std::string_view mta_reply) {
  counter.add();
  log_.info("smtp.handover", {{"client", client}, {"result", result}, {"mta_reply", mta_reply.substr(0, kLongestLogged)}});
}

void HandoverBooks::recipient(const Address& client, const MtaResult& result) {
  if (result.answered())
    recipient(client, result.code, result.reply);
  else
    unavailable(client, result.why());
}

void HandoverBooks::recipient(const Address& client, int code, std::string_view reply) {
  if (code / 100 == 2) return note(client, "accepted", accepted_, first_line(reply));
  if (code / 100 == 4) return note(client, "deferred", deferred_, first_line(reply));
  note(client, "rejected", rejected_, first_line(reply));
}

void HandoverBooks::unavailable(const Address& client, std::string_view why) { note(client, "unavailable", unavailable_, why); }

void HandoverBooks::message(const Address& client, std::string_view reply, std::uint64_t bytes) {
  log_.info("smtp.handover_message", {{"client", client}, {"mta_reply", first_line(reply)}, {"bytes", bytes}});
}

void HandoverBooks::ended(const Address& client, std::chrono::steady_clock::duration time, std::uint64_t to_mta,
                          std::uint64_t to_client, std::string_view end) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
  log_.info("smtp.handover_ended", {{"client", client},
                                    {"seconds", static_cast<std::int64_t>(seconds)},
                                    {"to_mta", to_mta},
                                    {"to_client", to_client},
                                    {"end", end}});
}

}  // namespace deferd::smtp
