#include "ctl/spf_walk.h"

#include <algorithm>
#include <utility>

namespace deferd::spf {
namespace {

// RFC 7208 section 4.6.4.
constexpr int kMostTerms = 10;
constexpr int kMostVoid = 2;
constexpr std::size_t kMostExchangers = 10;

constexpr int kShortestV4 = 8;
constexpr int kShortestV6 = 16;

bool asks_dns(Kind kind) { return kind != Kind::all && kind != Kind::ip4 && kind != Kind::ip6; }

/// Ends the whole walk, as permerror and temperror do.
struct Stop {
  std::string why;
  bool temporary = false;
};

/// One walk: what is counted over all records it comes through.
class Walker {
 public:
  Walker(Resolver& resolver, Walk& walk) : resolver_(resolver), walk_(walk) {}

  /// Whom the domain's record authorises goes into `authorised`, also when Stop is thrown.
  void check(const std::string& domain, PrefixSet& authorised);

 private:
  /// A record of one domain while it is walked.
  struct Place {
    const std::string& domain;
    PrefixSet& authorised;
    PrefixSet decided;  ///< What earlier mechanisms have matched: later ones are not asked about it.
    bool ends = false;  ///< `all` was met.
  };

  Record record_of(const std::string& domain);
  void match(Place& place, const Mechanism& mechanism);
  void take(Place& place, const Mechanism& mechanism, const PrefixSet& matched);
  void take_addresses(PrefixSetBuilder& into, const Mechanism& mechanism, const std::string& name, const Place& place);
  void take_prefix(PrefixSetBuilder& into, const Prefix& prefix, const Place& place, const Mechanism& mechanism);
  void count_term();

  template <class T>
  std::vector<T> answer(Result<std::vector<T>> result);
  void note(const std::string& domain, const std::string& what) { walk_.notes.push_back(domain + ": " + what); }

  Resolver& resolver_;
  Walk& walk_;
  int terms_ = 0;
  int voids_ = 0;
};

template <class T>
std::vector<T> Walker::answer(Result<std::vector<T>> result) {
  if (!result) throw Stop{result.error().what, true};
  if (result->empty() && ++voids_ > kMostVoid) throw Stop{"more than 2 look-ups found nothing (RFC 7208 section 4.6.4)"};
  return std::move(*result);
}

void Walker::count_term() {
  if (++terms_ > kMostTerms) throw Stop{"more than 10 terms ask DNS (RFC 7208 section 4.6.4)"};
}

Record Walker::record_of(const std::string& domain) {
  auto texts = resolver_.texts(domain);
  if (!texts) throw Stop{texts.error().what, true};
  std::erase_if(*texts, [](const std::string& text) { return !is_spf(text); });
  if (texts->empty()) throw Stop{domain + " has no SPF record"};
  if (texts->size() > 1) throw Stop{domain + " has more than one SPF record"};
  auto record = parse(texts->front());
  if (!record) throw Stop{"in the record of " + domain + ' ' + record.error().what};
  return std::move(*record);
}

void Walker::check(const std::string& domain, PrefixSet& authorised) {
  const auto record = record_of(domain);
  Place place{domain, authorised, {}};
  for (const auto& mechanism : record.mechanisms) {
    match(place, mechanism);
    if (place.ends) return;
  }
  if (record.redirect.empty()) return;
  count_term();
  if (has_macro(record.redirect)) {
    note(domain, "redirect=" + record.redirect + " depends on the mail");
    return;
  }
  PrefixSet target;
  try {
    check(record.redirect, target);
  } catch (const Stop&) {
    authorised = united(authorised, without(target, place.decided));
    throw;
  }
  authorised = united(authorised, without(target, place.decided));
}

void Walker::match(Place& place, const Mechanism& mechanism) {
  if (asks_dns(mechanism.kind)) count_term();
  const bool unknown = mechanism.kind == Kind::ptr || mechanism.kind == Kind::exists || has_macro(mechanism.domain);
  if (unknown) {
    note(place.domain,
         mechanism.text + (mechanism.qualifier == '+' ? " depends on the mail"
                                                      : " depends on the mail; it may refuse some of what is listed"));
    return;
  }
  const auto& name = mechanism.domain.empty() ? place.domain : mechanism.domain;
  PrefixSetBuilder matched;
  switch (mechanism.kind) {
    case Kind::all:
      place.ends = true;
      if (mechanism.qualifier == '+') note(place.domain, mechanism.text + " authorises everybody; not listed");
      return;
    case Kind::include: {
      PrefixSet included;
      try {
        check(name, included);
      } catch (const Stop&) {
        take(place, mechanism, included);
        throw;
      }
      take(place, mechanism, included);
      return;
    }
    case Kind::a:
      take_addresses(matched, mechanism, name, place);
      break;
    case Kind::mx: {
      const auto exchangers = answer(resolver_.exchangers(name));
      if (exchangers.size() > kMostExchangers) throw Stop{name + " has more than 10 MX (RFC 7208 section 4.6.4)"};
      for (const auto& exchanger : exchangers) take_addresses(matched, mechanism, exchanger, place);
      break;
    }
    default:
      // Section 5: a client with a mapped address is of IPv4, so an ip6 of such addresses matches nobody.
      if (mechanism.kind == Kind::ip6 && mechanism.prefix.address().is_v4()) return;
      take_prefix(matched, mechanism.prefix, place, mechanism);
  }
  take(place, mechanism, matched.build());
}

void Walker::take(Place& place, const Mechanism& mechanism, const PrefixSet& matched) {
  if (mechanism.qualifier == '+')
    place.authorised = united(place.authorised, without(matched, place.decided));
  else
    note(place.domain, mechanism.text + " authorises nobody; not listed");
  place.decided = united(place.decided, matched);
}

void Walker::take_addresses(PrefixSetBuilder& into, const Mechanism& mechanism, const std::string& name, const Place& place) {
  for (const auto& address : answer(resolver_.addresses(name)))
    take_prefix(into, Prefix(address, address.is_v4() ? mechanism.v4_length : mechanism.v6_length), place, mechanism);
}

void Walker::take_prefix(PrefixSetBuilder& into, const Prefix& prefix, const Place& place, const Mechanism& mechanism) {
  const bool wide = prefix.length() < (prefix.address().is_v4() ? kShortestV4 : kShortestV6);
  if (wide && mechanism.qualifier == '+')
    note(place.domain, mechanism.text + " covers much of the internet; not listed");
  else
    into.add(prefix);
}

}  // namespace

Walk walk(const std::string& domain, Resolver& resolver) {
  Walk walk;
  try {
    Walker(resolver, walk).check(domain, walk.authorised);
  } catch (const Stop& stop) {
    walk.notes.push_back(domain + ": " + stop.why + (walk.authorised.empty() ? "" : "; what comes after it is not listed"));
    walk.status = stop.temporary ? Walk::Status::unavailable : walk.authorised.empty() ? Walk::Status::none : Walk::Status::done;
  }
  return walk;
}

}  // namespace deferd::spf
