#include "greylist.h"

#include <algorithm>
#include <utility>

#include "commands.h"
#include "correspondents.h"
#include "envelope.h"
#include "expect.h"
#include "keys.h"
#include "known_senders.h"
#include "pair.h"
#include "tuple.h"

namespace deferd::greylist {
namespace {

using namespace std::chrono_literals;
constexpr double kDelayBounds[] = {60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 86400};

template <class T>
std::shared_ptr<T> kept(Host& host, std::string_view name) {
  auto& place = host.kept(name);
  if (!place) place = std::make_shared<T>();
  return std::static_pointer_cast<T>(place);
}

// What of a message under way is needed at its end. In the Context's slot.
struct Message {
  bool earned = false;  // its client is white by a retry of its own
};

// The fields of a text are the operator's: {seconds} is all there is.
std::string reply_text(const std::string& pattern, Duration left) {
  constexpr std::string_view kSeconds = "{seconds}";
  std::string text = pattern;
  if (const auto at = text.find(kSeconds); at != text.npos) text.replace(at, kSeconds.size(), std::to_string(left.count()));
  return text;
}

Prefix white_prefix(const Address& client, int ipv6_prefix) { return {client, client.is_v4() ? 32 : ipv6_prefix}; }

bool is_listed(const Session& session) { return session.tagged("blacklist.hit") || session.tagged("listed"); }

Change erase(std::string key) { return {std::move(key), std::nullopt, Time{}, {}}; }

}  // namespace

/// All that one recipient is judged by.
struct Attempt {
  Attempt(const Session& s, const Profile& p, const Config& config, Time at, const std::string& rcpt)
      : session(s), profile(p), now(at), listed(is_listed(s)) {
    if (profile.spamd) {
      identity = {Kind::address, Prefix(session.client)};
      from = keep_bytes(session.mail_from);
      to = keep_bytes(rcpt);
      group = spamd_group(from, to);
      tuple_key = spamd_key(session.client, keep_bytes(session.helo));
    } else {
      identity = identify(session.client, config.ipv4_prefix, config.ipv6_prefix);
      from = fold_sender(session.mail_from);
      to = fold_recipient(rcpt);
      group = pair_group(from, to);
      tuple_key = identity.key();
      waiting_key = pair_key(from, tuple_key);
    }
    times = profile.times(identity.kind);
  }
  std::string mail() const { return (from.empty() ? "<>" : from) + " -> " + to; }

  const Session& session;
  const Profile& profile;
  const Time now;
  const bool listed;
  Times times;
  Identity identity;
  std::string from, to, group, tuple_key, waiting_key;
  std::optional<TableRow> white;
  Time revoked{};
  bool counted_in_quota = false;  // a conflict makes us judge again, but the source pays once
};

Greylist::Greylist(Config config, Host& host)
    : config_(std::move(config)),
      profiles_(make_profiles(config_)),
      quota_(kept<Quota>(host, "quota")),
      marks_(kept<SessionMarks>(host, "session marks")),
      unreadable_(host.counter("deferd_greylist_unreadable_records_total", {},
                               "Records of another version or damaged, taken as absent.")),
      delay_(
          host.histogram("deferd_greylist_delay_seconds", {}, kDelayBounds, "How long mail that passed had been kept waiting.")) {
  for (const auto& [answer, name] : kAnswers)
    answers_[static_cast<std::size_t>(answer)] =
        &host.counter("deferd_greylist_answers_total", {{"answer", name}}, "Recipients by what greylisting said to them.");
}

const Profile& Greylist::profile_for(Context& context) {
  const auto name = context.session().tag_value("greylist.profile");
  if (name.empty()) return profiles_.front();
  for (const auto& profile : profiles_)
    if (profile.name == name) return profile;
  if (!unknown_profile_logged_.exchange(true))
    context.log().warning("greylist.profile", {{"unknown", name}, {"used_instead", profiles_.front().name}});
  return profiles_.front();
}

template <class T>
std::optional<T> Greylist::decoded(Context& context, const Record& record, std::optional<T> (*decode)(std::string_view)) {
  if (!record.value) return std::nullopt;
  auto value = decode(*record.value);
  if (!value && !context.dry()) unreadable_.add();
  return value;
}

Verdict Greylist::on_rcpt(Context& context, const std::string& rcpt) {
  const auto& session = context.session();
  Attempt attempt(session, profile_for(context), config_, context.clock().now(), rcpt);

  if (or_throw(context.tables().find(kTrapped, session.client)).row)
    return answer(context, attempt, {.answer = Answer::trapped, .reason = "the client is trapped"});
  auto white = or_throw(context.tables().find(kWhite, session.client));
  attempt.white = std::move(white.row);
  attempt.revoked = white.revoked;
  if (attempt.white && known_senders_on() && attempt.white->source == kSource) context.state<Message>().earned = true;

  Outcome outcome;
  const std::array<std::string_view, 3> keys = {attempt.tuple_key, attempt.waiting_key, kCorrespond};
  const std::size_t wanted = attempt.profile.spamd ? 1 : attempt.white || !config_.correspondents.enabled ? 2 : 3;
  auto done = update(context.store(), attempt.group, std::span(keys).first(wanted), [&](std::span<const Record> records) {
    outcome = {};
    return attempt.profile.spamd ? judge_spamd(context, attempt, records, outcome) : judge(context, attempt, records, outcome);
  });
  // Whoever floods a pair until its records are too busy to be written shall not get in by it.
  const bool flooded = !done && done.error().code == Errc::busy && !lets_through(outcome.answer);
  if (!flooded) or_throw(std::move(done));
  effects(context, attempt, outcome);
  return answer(context, attempt, std::move(outcome));
}

// What is to be written into the pair's group; the verdict goes into `outcome`.
std::vector<Change> Greylist::judge(Context& context, Attempt& attempt, std::span<const Record> records, Outcome& outcome) {
  const auto known = decoded(context, records[0], decode_tuple);
  auto pair = decoded(context, records[1], decode_pair);
  if (pair && attempt.now >= pair->first + attempt.times.grey_expiry) pair.reset();
  const auto step = take_step(known, attempt.now, attempt.times, attempt.revoked, attempt.session.client);
  const bool retried = step.ripeness == Ripeness::passes || step.ripeness == Ripeness::passed;

  Time since = pair ? pair->first : attempt.now;
  if (step.ripeness == Ripeness::passes) since = std::min(since, step.tuple.first);
  const Duration waited = std::max(Duration(0), attempt.now - since);

  std::vector<Change> changes;
  changes.reserve(2);
  const auto keep_tuple = [&] { changes.push_back({attempt.tuple_key, encode(step.tuple), step.expires, {}}); };
  const auto end_waiting = [&] {
    outcome.waited = waited;
    if (records[1].value) changes.push_back(erase(attempt.waiting_key));
  };

  if (attempt.white) {
    outcome.answer = Answer::white;
    outcome.reason = "white, by " + attempt.white->source;
    if (step.ripeness == Ripeness::passes) keep_tuple();
    end_waiting();
    return changes;
  }
  if (retried) {
    outcome.answer = step.released ? Answer::released : Answer::retried;
    outcome.earns_white = true;
    outcome.learns = step.ripeness == Ripeness::passes && !step.released;
    outcome.reason = step.released ? "released by an operator" : "passed before";
    if (outcome.learns) outcome.reason = "retried after " + format_duration(waited);
    keep_tuple();
    end_waiting();
    return changes;
  }
  const bool corresponds = records.size() > 2 && decoded(context, records[2], decode_correspondent);
  if (look_elsewhere(context, attempt, corresponds, outcome)) {
    end_waiting();
    return changes;
  }
  if (!attempt.listed && waited_enough(pair, attempt.now, attempt.profile.max_wait, attempt.times.pass_time)) {
    outcome.answer = Answer::max_wait;
    outcome.reason = "waited for " + format_duration(waited) + " from whatever address";
    end_waiting();
    return changes;
  }

  if (step.ripeness == Ripeness::fresh && !within_quota(context, attempt)) {
    outcome.answer = Answer::quota;
    outcome.reason = "too many new tuples from the client's network";
    return changes;
  }
  const auto waiting = one_more_try(pair, attempt.now);
  outcome.due = step.due;
  if (!attempt.listed && attempt.profile.max_wait > 0s)
    outcome.due = std::min(outcome.due, waiting.first + std::max(attempt.profile.max_wait, attempt.times.pass_time));
  if (step.ripeness == Ripeness::fresh) {
    outcome.answer = Answer::fresh;
    outcome.reason = "first try from " + attempt.identity.to_string();
  } else {
    outcome.answer = Answer::early;
    outcome.reason = "too early a retry, after " + format_duration(attempt.now - step.tuple.first);
  }
  keep_tuple();
  changes.push_back({attempt.waiting_key, encode(waiting), waiting.first + attempt.times.grey_expiry, {}});
  return changes;
}

// OpenBSD spamd: the retry makes the client white, but itself hears 451 as all before; a listed client's tuple is dropped
// instead.
std::vector<Change> Greylist::judge_spamd(Context& context, Attempt& attempt, std::span<const Record> records, Outcome& outcome) {
  if (attempt.white) {
    outcome.answer = Answer::white;
    outcome.reason = "white, by " + attempt.white->source;
    return {};
  }
  const auto known = decoded(context, records[0], decode_tuple);
  const auto step = take_step(known, attempt.now, attempt.times, attempt.revoked, attempt.session.client);
  outcome.due = step.due;
  if (step.ripeness == Ripeness::passes || step.ripeness == Ripeness::passed) {
    if (attempt.listed) {
      outcome.answer = Answer::early;
      outcome.reason = "retried, but the client is listed";
      outcome.due = {};
      return {erase(attempt.tuple_key)};
    }
    outcome.answer = step.released ? Answer::released : Answer::matured;
    outcome.reason = step.released ? "released by an operator" : "retried; passes from the next try on";
    outcome.earns_white = true;
    outcome.due = attempt.now;
    if (step.ripeness == Ripeness::passes) outcome.waited = attempt.now - step.tuple.first;
  } else if (step.ripeness == Ripeness::early) {
    outcome.answer = Answer::early;
    outcome.reason = "too early a retry, after " + format_duration(attempt.now - step.tuple.first);
  } else if (within_quota(context, attempt)) {
    outcome.answer = Answer::fresh;
    outcome.reason = "first try from " + attempt.identity.to_string();
  } else {
    outcome.answer = Answer::quota;
    outcome.reason = "too many new tuples from the client's network";
    outcome.due = {};
    return {};
  }
  return {{attempt.tuple_key, encode(step.tuple), step.expires, {}}};
}

// Reasons to pass that lie outside of the tuple: they let this mail in, and only a connection's own retry makes white.
bool Greylist::look_elsewhere(Context& context, const Attempt& attempt, bool corresponds, Outcome& outcome) {
  if (corresponds && !attempt.listed) {
    outcome.answer = Answer::correspondent;
    outcome.reason = attempt.to + " has written to " + attempt.from;
    return true;
  }
  const auto domain = sender_domain(attempt.session.mail_from);
  const std::array<std::string_view, 1> window_keys = {kWindows};
  const auto windows = decoded(context, or_throw(context.store().read(expect_group(attempt.to), window_keys))[0], decode_windows);
  if (const auto* window = windows ? windows->find(domain, attempt.now) : nullptr) {
    outcome.answer = Answer::expected;
    outcome.reason =
        "expected from " + (window->domain.empty() ? "anybody" : window->domain) + " until " + format_time(window->until);
    return true;
  }

  const bool asks_known = known_senders_on() && !attempt.listed && !domain.empty();
  if (!config_.connect_records && !asks_known) return false;
  const auto key = domain_key(domain);
  const std::array<std::string_view, 2> keys = {kConnected, key};
  const auto records =
      or_throw(context.store().read(identity_group(attempt.identity), std::span(keys).first(asks_known ? 2 : 1)));
  if (config_.connect_records) {
    const auto connection = decoded(context, records[0], decode_tuple);
    const auto step = take_step(connection, attempt.now, attempt.times, attempt.revoked, attempt.session.client);
    if (step.ripeness == Ripeness::passes) {
      outcome.answer = Answer::connected;
      outcome.reason = "connected " + format_duration(attempt.now - step.tuple.first) + " ago without naming a recipient";
      outcome.earns_white = true;
      return true;
    }
  }
  if (!asks_known) return false;
  const auto known = decoded(context, records[1], decode_known_sender);
  const auto pairs = known ? known->pairs(attempt.now, config_.known_senders.expiry, attempt.revoked) : 0;
  if (pairs < config_.known_senders.pairs) return false;
  outcome.answer = Answer::known;
  outcome.reason = "known for " + domain + ": " + std::to_string(pairs) + " pairs passed from " + attempt.identity.to_string();
  return true;
}

bool Greylist::within_quota(Context& context, Attempt& attempt) {
  if (attempt.counted_in_quota) return true;
  const QuotaLimits limits{config_.quota.burst, config_.quota.per_minute};
  const auto now = context.clock().steady();
  if (context.dry()) return quota_->would_take(attempt.session.client, now, limits);
  return attempt.counted_in_quota = quota_->take(attempt.session.client, now, limits);
}

// In other groups, after the tuple; each may be repeated, and a later pass makes up for what a crash left out.
void Greylist::effects(Context& context, const Attempt& attempt, const Outcome& outcome) {
  if (!outcome.earns_white) return;
  make_white(context, attempt.profile, "retry of " + attempt.mail() + " after " + format_duration(outcome.waited));
  if (outcome.answer == Answer::connected) forget_connection(context, attempt);
  const auto domain = sender_domain(attempt.session.mail_from);
  if (outcome.learns && known_senders_on() && !domain.empty())
    or_throw(learn_pass(context.store(), attempt.identity, domain, pair_hash(attempt.group), attempt.now,
                        config_.known_senders.expiry));
}

void Greylist::forget_connection(Context& context, const Attempt& attempt) {
  const auto change = erase(std::string(kConnected));
  or_throw(context.store().commit(identity_group(attempt.identity), {&change, 1}));
}

void Greylist::make_white(Context& context, const Profile& profile, std::string evidence) {
  const auto now = context.clock().now();
  TableRow row;
  row.prefix = white_prefix(context.session().client, config_.white_ipv6_prefix);
  row.added = now;
  row.expires = now + profile.white_expiry;
  row.source = kSource;
  row.evidence = std::move(evidence);
  or_throw(context.tables().put(kWhite, row));
}

Verdict Greylist::answer(Context& context, const Attempt& attempt, Outcome outcome) {
  if (!context.dry()) {
    answers_[static_cast<std::size_t>(outcome.answer)]->add();
    if (outcome.waited > 0s) delay_.observe(static_cast<double>(outcome.waited.count()));
  }
  if (lets_through(outcome.answer)) return Verdict::pass(std::move(outcome.reason)).after_waiting(outcome.waited);
  const auto left = outcome.due > attempt.now ? outcome.due - attempt.now : attempt.times.pass_time;
  return Verdict::defer({451, "4.7.1", reply_text(config_.reply_text, left)}, std::move(outcome.reason)).due_at(outcome.due);
}

void Greylist::on_accepted(Context& context) {
  const auto& session = context.session();
  if (is_ours(session)) {
    if (config_.correspondents.enabled) or_throw(learn_correspondents(context, config_.correspondents));
    return;
  }
  const auto now = context.clock().now();
  or_throw(context.tables().refresh(kWhite, white_prefix(session.client, config_.white_ipv6_prefix),
                                    now + profiles_.front().white_expiry));
  const auto domain = sender_domain(session.mail_from);
  if (domain.empty() || !context.slot() || !context.state<Message>().earned) return;
  // A few are enough to become known; a long list of recipients is one message all the same.
  const auto identity = identify(session.client, config_.ipv4_prefix, config_.ipv6_prefix);
  const auto from = fold_sender(session.mail_from);
  for (std::size_t i = 0; i < std::min<std::size_t>(session.rcpt_to.size(), config_.known_senders.pairs); ++i)
    or_throw(learn_pass(context.store(), identity, domain, pair_hash(pair_group(from, fold_recipient(session.rcpt_to[i]))), now,
                        config_.known_senders.expiry));
}

// Also when a plugin above us decided, and we were not asked.
void Greylist::on_decided(Context& context, const Decision&) {
  const auto& session = context.session();
  if (leaves_records(session) && !context.dry()) marks_->mark(session.id);
}

void Greylist::on_disconnect(Context& context) {
  const auto& session = context.session();
  if (!leaves_records(session)) return;
  const bool named_a_recipient = marks_->take(session.id);
  if (!config_.connect_records || named_a_recipient || session.helo.empty() || is_ours(session) || is_listed(session)) return;
  const auto& profile = profiles_.front();
  if (profile.spamd || or_throw(context.tables().find(kTrapped, session.client)).row) return;
  const auto white = or_throw(context.tables().find(kWhite, session.client));
  if (white.row) return;

  Attempt attempt(session, profile, config_, context.clock().now(), {});
  bool matured = false;
  const std::array<std::string_view, 1> keys = {kConnected};
  or_throw(update(context.store(), identity_group(attempt.identity), keys, [&](std::span<const Record> records) {
    const auto known = decoded(context, records[0], decode_tuple);
    const auto step = take_step(known, attempt.now, attempt.times, white.revoked, session.client);
    std::vector<Change> changes;
    matured = step.ripeness == Ripeness::passes;
    if (step.ripeness == Ripeness::early || (step.ripeness == Ripeness::fresh && within_quota(context, attempt)))
      changes.push_back({std::string(kConnected), encode(step.tuple), step.expires, {}});
    return changes;
  }));
  if (!matured) return;
  make_white(context, profile, "connected again, at least " + format_duration(attempt.times.pass_time) + " later");
  forget_connection(context, attempt);
}

Result<void> Greylist::on_command(Context& context, std::string_view command, const Value& args, Rows& rows) {
  return Commands(context, config_, profiles_.front()).run(command, args, rows);
}

}  // namespace deferd::greylist
