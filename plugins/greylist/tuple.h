// The times of greylisting, as arithmetic on one record: no store, no clock, no configuration but what is handed in.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "deferd/address.h"
#include "deferd/time.h"

namespace deferd::greylist {

/// Which times hold for one attempt.
struct Times {
  Duration pass_time{};
  Duration grey_expiry{};
  Duration white_expiry{};
  bool strict = false;  ///< A retry at exactly pass_time is still too early, and a pass does not prolong the record: spamd(8).
};

/// What is remembered of one identity and one pair (and, at connect level, of an identity alone).
struct Tuple {
  Time first{};
  Time last{};
  Time passed{};  ///< Its latest pass; 0: none yet.
  std::uint32_t tries = 0;
  bool released = false;  ///< An operator lets it pass at its next try.
  Address client;         ///< The address of the latest try.

  bool operator==(const Tuple&) const = default;
};

enum class Ripeness : std::uint8_t {
  fresh,   ///< Nothing usable was known; the waiting begins now.
  early,   ///< Still waiting.
  passes,  ///< This very try ends the waiting.
  passed,  ///< It had ended before.
};

struct Step {
  Ripeness ripeness = Ripeness::fresh;
  Tuple tuple;            ///< As it is to be kept.
  Time expires{};         ///< Until when.
  Time due{};             ///< From when a retry passes (or would have).
  bool released = false;  ///< It passes because an operator said so.
};

/// One more try at `now`. `known` is what the store held; what is older than `revoked`, or past its time, counts as nothing.
///   window    [first + pass_time, first + grey_expiry), fixed from the first try: no try moves it
///   passed    until passed + white_expiry; each pass moves that
///   revoked   a pass at or before it, or a first try before it, is worthless
///   clock     was set back: a first try in the future counts as now, so no waiting gets longer; a revocation in the future is
///   not
///             known to come after anything and is passed over; a pass in the future counts only if nothing was revoked
Step take_step(const std::optional<Tuple>& known, Time now, const Times& times, Time revoked, const Address& client);

/// Evidence is kept no longer than a table remembers an erased row (Tables::erase): else it would come back to life.
inline constexpr Duration kEvidenceMax = std::chrono::hours{24 * 45};

std::string encode(const Tuple& tuple);
std::optional<Tuple> decode_tuple(std::string_view bytes);  ///< Nothing if it is of another version, or damaged.

}  // namespace deferd::greylist
