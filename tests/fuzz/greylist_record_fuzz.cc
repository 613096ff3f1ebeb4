// Stored records of greylisting: any bytes are read as nothing, or as a record that is written as the very same bytes; and
// whatever was read, arithmetic on it keeps its promises.
#include <string>

#include "correspondents.h"
#include "expect.h"
#include "known_senders.h"
#include "pair.h"
#include "require.h"
#include "tuple.h"

using namespace deferd;
using namespace deferd::greylist;
using namespace std::chrono_literals;

namespace {

constexpr Time kNow{Duration(1'800'000'000)};
constexpr Times kTimes{5min, 8h, 864h, false};

template <class T>
std::optional<T> read(std::string_view bytes, std::optional<T> (*decode)(std::string_view)) {
  auto record = decode(bytes);
  REQUIRE(!record || encode(*record) == bytes);
  return record;
}

void check(const Tuple& tuple) {
  const auto step = take_step(tuple, kNow, kTimes, Time{}, tuple.client);
  REQUIRE(step.tuple.first <= kNow && step.tuple.last == kNow && step.tuple.tries > 0);
  REQUIRE(step.expires >= kNow && step.due <= kNow + kTimes.pass_time);
  REQUIRE(decode_tuple(encode(step.tuple)) == step.tuple);
  const auto later = take_step(step.tuple, kNow + kTimes.pass_time, kTimes, Time{}, tuple.client);
  REQUIRE(later.ripeness >= Ripeness::passes || step.expires <= kNow + kTimes.pass_time);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto tuple = read(bytes, decode_tuple)) check(*tuple);
  if (const auto pair = read(bytes, decode_pair)) {
    waited_enough(pair, kNow, 60min, 5min);
    REQUIRE(one_more_try(pair, kNow).first <= kNow);
  }
  if (auto known = read(bytes, decode_known_sender)) {
    known->learn(1, kNow);
    REQUIRE(known->passes.size() <= KnownSender::kMost && known->pairs(kNow, 1h, Time{}) >= 1);
  }
  if (auto windows = read(bytes, decode_windows)) {
    windows->find("example.org", kNow);
    windows->add({"example.org", kNow + 1h}, kNow);
    REQUIRE(windows->open.size() <= Windows::kMost && windows->last() > kNow);
  }
  read(bytes, decode_correspondent);
  return 0;
}
